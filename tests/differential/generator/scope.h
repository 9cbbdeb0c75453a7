// What a program may name at a place: types, variables, indices, functions.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/scalar.h"

namespace tenon::differential {

using runtime::DType;

/// A number, a const or a dimension. Two are known to be equal where their texts are.
struct Extent {
  std::string text;
  int least = 0;      ///< its value, or for a dimension a lower bound of it
  bool known = true;  ///< no dimension
};
Extent extent(int value);

using Shape = std::vector<Extent>;

struct Type {
  DType element = DType::i32;
  Shape shape;  ///< empty: a scalar
  bool is_scalar() const { return shape.empty(); }
  std::string text() const;
  bool operator==(const Type& other) const { return text() == other.text(); }
};
bool is_known(const Shape& shape);
/// The number of elements, with dimensions at their least.
int count(const Shape& shape);
std::string joined(const std::vector<std::string>& parts);

struct Variable {
  std::string name;
  Type type;
  bool assignable = false;
};

/// An i64 from `low` to the extent, or to `high` if that is known.
struct Index {
  std::string name;
  Extent extent;  ///< where it begins at 0; else without a text
  int low = 0;
  int high = 0;  ///< exclusive; meaningful where known
  bool known = true;
  bool exact = false;  ///< its extent is inferred: alone it stands only where it just fits
};

struct Function {
  std::string name;
  std::vector<Type> params;
  std::vector<Type> results;  ///< none: it has effects
  Shape dimensions;           ///< those in brackets, each a part of some parameter's shape
  size_t cost = 1;            ///< of a call, in nodes evaluated
  bool scalars_only() const;
};

struct Record {
  std::string name;
  std::vector<Variable> fields;
};

/// An expression that may stand again where as many variables and indices are in scope.
struct Repeatable {
  std::string text;
  DType type;
  size_t variables, indices;
};

}  // namespace tenon::differential
