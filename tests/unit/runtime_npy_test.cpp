// .npy files: what NumPy wrote is read, what we write is what NumPy would, and no file that lies
// does harm.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <bit>
#include <limits>
#include <random>

#include "runtime/fault.h"
#include "runtime/npy.h"
#include "runtime/print.h"
#include "runtime/tensor_file.h"
#include "tests/support/text.h"

namespace tenon::runtime {
namespace {

using tests::ScratchFolder;

/// The bytes of a file whose header is `dict`, unpadded.
std::string file_bytes(const std::string& dict, const std::string& data = "",
                       const std::string& version = std::string("\x01\x00", 2)) {
  std::string out = "\x93NUMPY" + version;
  for (int i = 0; i < (version[0] == 1 ? 2 : 4); ++i)
    out += static_cast<char>(dict.size() >> (8 * i) & 0xff);
  return out + dict + data;
}

std::string dict(const std::string& descr, const std::string& shape, bool fortran = false) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", descr,
                     fortran ? "True" : "False", shape);
}

/// Loads a file of these bytes; the text of the tensor, or the fault's message without the folder.
std::string loaded(const std::string& bytes, DType type, const Shape& shape) {
  ScratchFolder scratch;
  tests::write_file(scratch.path() / "t.npy", bytes);
  try {
    return to_text(load_tensor(scratch.path() / "t.npy", "", type, shape));
  } catch (const Fault& fault) {
    std::string text = fault.message();
    const std::string folder = scratch.path().lexically_normal().string() + "/";
    if (const size_t at = text.find(folder); at != std::string::npos) text.erase(at, folder.size());
    return text;
  }
}

const std::string kThree("\x01\x00\x00\x00\x02\x00\x00\x00\xff\xff\xff\xff", 12);

TEST_CASE("each type and both byte orders are read") {
  CHECK(loaded(file_bytes(dict("<i4", "(3,)"), kThree), DType::i32, {3}) == "[1, 2, -1]");
  CHECK(loaded(file_bytes(dict("=i4", "(3,)"), kThree), DType::i32, {3}) == "[1, 2, -1]");
  CHECK(loaded(file_bytes(dict("i4", "(3,)"), kThree), DType::i32, {3}) == "[1, 2, -1]");
  CHECK(loaded(file_bytes(dict(">i4", "(3,)"), kThree), DType::i32, {3}) ==
        "[16777216, 33554432, -1]");
  CHECK(loaded(file_bytes(dict("|i1", "(3,)"), "\x01\x80\x7f"), DType::i8, {3}) ==
        "[1, -128, 127]");
  CHECK(loaded(file_bytes(dict("|b1", "(3,)"), std::string("\x01\x00\x07", 3)), DType::bool_,
               {3}) == "[true, false, true]");
  CHECK(loaded(file_bytes(dict(">f8", "()"), std::string("\xbf\xf8\0\0\0\0\0\0", 8)), DType::f64,
               {}) == "-1.5");
  CHECK(loaded(file_bytes(dict("<f4", "(1, 1)"), std::string("\0\0\x20\x40", 4)), DType::f32,
               {1, 1}) == "[[2.5]]");
}

TEST_CASE("versions 2 and 3, keys in any order, Python 2's numbers") {
  const std::string two("\x02\x00", 2), three("\x03\x00", 2);
  CHECK(loaded(file_bytes(dict("<i4", "(3,)"), kThree, two), DType::i32, {3}) == "[1, 2, -1]");
  CHECK(loaded(file_bytes(dict("<i4", "(3,)"), kThree, three), DType::i32, {3}) == "[1, 2, -1]");
  CHECK(loaded(file_bytes("{\"shape\":(3L,),\"fortran_order\":False,\"descr\":\"<i4\"}", kThree),
               DType::i32, {3}) == "[1, 2, -1]");
}

TEST_CASE("Fortran order is turned into C order") {
  const std::string six("\0\3\1\4\2\5", 6);
  CHECK(loaded(file_bytes(dict("|i1", "(2, 3)", true), six), DType::i8, {2, 3}) ==
        "[[0, 1, 2],\n [3, 4, 5]]");
  std::string many;  // more than is read at a time: element (i, j, k) is (i + 2 j + 3 k) mod 100
  for (int k = 0; k < 50; ++k)
    for (int j = 0; j < 70; ++j)
      for (int i = 0; i < 30; ++i) many += static_cast<char>((i + 2 * j + 3 * k) % 100);
  ScratchFolder scratch;
  tests::write_file(scratch.path() / "t.npy", file_bytes(dict("|i1", "(30, 70, 50)", true), many));
  const Tensor tensor = load_tensor(scratch.path() / "t.npy", "", DType::i8, {30, 70, 50});
  int wrong = 0;
  for (int64_t offset = 0; offset < tensor.count(); ++offset) {
    const int64_t i = offset / 3500, j = offset / 50 % 70, k = offset % 50;
    wrong += tensor.at(offset).i != (i + 2 * j + 3 * k) % 100;
  }
  CHECK(wrong == 0);
}

TEST_CASE("empty tensors are read") {
  CHECK(loaded(file_bytes(dict("<f4", "(0, 3)")), DType::f32, {0, 3}) == "[]");
  CHECK(loaded(file_bytes(dict("<f4", "(0, 3)", true)), DType::f32, {0, 3}) == "[]");
}

TEST_CASE("another type or shape is named") {
  const std::string data(96, '\0');
  CHECK(loaded(file_bytes(dict("<f8", "(3, 4)"), data), DType::f32, {3, 4}) ==
        "the file holds another type or shape: t.npy holds f64[3, 4], but f32[3, 4] is wanted");
  CHECK(loaded(file_bytes(dict("<f8", "(3, 4)"), data), DType::f64, {4, 3}) ==
        "the file holds another type or shape: t.npy holds f64[3, 4], but f64[4, 3] is wanted");
  CHECK(loaded(file_bytes(dict("<f8", "()"), std::string(8, '\0')), DType::f64, {1}) ==
        "the file holds another type or shape: t.npy holds f64, but f64[1] is wanted");
  CHECK(loaded(file_bytes(dict("<c16", "(6,)"), data), DType::f32, {6}) ==
        "the file holds another type or shape: t.npy holds '<c16'[6], but f32[6] is wanted");
  CHECK(loaded(file_bytes(dict("\x1b[31m", "()"), data), DType::f32, {}) ==
        "the file holds another type or shape: t.npy holds '\\x1b[31m', but f32 is wanted");
}

TEST_CASE("headers that are none, with the place") {
  struct Row {
    std::string header, message;
  };
  const Row rows[] = {
      {"", "byte 10: '{' is missing"},
      {"[1]", "byte 10: '{' is missing"},
      {"{", "byte 11: a key in quotes is missing"},
      {"{}", "byte 12: the key 'descr' is missing"},
      {"{'descr' '<f4'}", "byte 19: ':' is missing"},
      {"{'descr': '<f4", "byte 24: the closing quote is missing"},
      {"{'descr': '<\\f4'}", "byte 22: a plain character is wanted here"},
      {"{'descr': [('a', '<f4')]}",
       "byte 20: the element type in quotes (records have none) is missing"},
      {"{'descr': '<f4' 'shape': ()}", "byte 26: a comma or '}' is missing"},
      {"{'descr': '<f4', 'descr': '<f4'}", "byte 27: a second 'descr'"},
      {"{'size': 3}", "byte 11: 'size' is not a key of .npy headers"},
      {"{'fortran_order': 0}", "byte 28: True or False is missing"},
      {"{'shape': 3}", "byte 20: '(' is missing"},
      {"{'shape': (3)}", "byte 23: a shape of one extent ends with a comma"},
      {"{'shape': (3 4)}", "byte 23: a comma or ')' is missing"},
      {"{'shape': (,)}", "byte 21: an extent is missing"},
      {"{'shape': (-3,)}", "byte 21: an extent is negative"},
      {"{'shape': (9223372036854775808,)}", "byte 39: the extent is beyond 64 bits"},
      {dict("<f4", "()") + "x", "byte 66: only blanks may follow the dictionary"},
      {"{'descr': '<f4', 'shape': ()}", "byte 39: the key 'fortran_order' is missing"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.header);
    CHECK(loaded(file_bytes(row.header), DType::f32, {}) ==
          "not a usable file of tensors: t.npy, " + row.message);
  }
  std::string deep = "(";
  for (int i = 0; i < 65; ++i) deep += "1, ";
  CHECK(loaded(file_bytes(dict("<f4", deep + ")")), DType::f32, {})
            .ends_with("more than 64 extents"));
}

TEST_CASE("files whose size is not what their header says") {
  const auto message = [](const std::string& bytes) { return loaded(bytes, DType::f32, {2}); };
  const std::string begins = "not a usable file of tensors: t.npy";
  CHECK(message("") == begins + " is too short");
  CHECK(message("\x93NUMPY\x01") == begins + " is too short");
  CHECK(message("PK and more text") == begins + " does not start with \\x93NUMPY");
  CHECK(message(file_bytes(dict("<f4", "(2,)"), "12345678", std::string("\x04\x00", 2))) ==
        begins + " has version 4.0, known are 1.0, 2.0 and 3.0");
  CHECK(message(std::string("\x93NUMPY\x01\x00\x40\x00{", 11)) ==
        begins + " ends within its header");
  CHECK(message(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{", 13)) ==
        begins + " has a header of 4294967295 bytes, at most 65536 are read");
  CHECK(message(file_bytes(dict("<f4", "(2,)"), "1234567")) ==
        begins + " has 7 bytes of data, but f32[2] takes 8");
  CHECK(message(file_bytes(dict("<f4", "(2,)"), "123456789")) ==
        begins + " has 9 bytes of data, but f32[2] takes 8");
  CHECK(message(file_bytes(dict("<f4", "(4611686018427387904, 8)"))) ==
        begins + " claims f32[4611686018427387904, 8], more than memory has addresses");
  // A lie that agrees with what is wanted: refused before any memory is asked for.
  CHECK(loaded(file_bytes(dict("<f4", "(1000000000000,)")), DType::f32, {1000000000000}) ==
        begins + " has 0 bytes of data, but f32[1000000000000] takes 4000000000000");
}

TEST_CASE("what is no readable file") {
  ScratchFolder scratch;
  const auto message = [&](const std::filesystem::path& path) {
    try {
      load_tensor(path, "", DType::f32, {});
    } catch (const Fault& fault) {
      CHECK(fault.kind == FaultKind::cannot_read);
      return fault.text.substr(fault.text.rfind('/') + 1);
    }
    return std::string("it was read");
  };
  std::filesystem::create_directory(scratch.path() / "folder.npy");
  std::filesystem::create_symlink("/dev/zero", scratch.path() / "device.npy");
  std::filesystem::create_symlink("loop.npy", scratch.path() / "loop.npy");
  REQUIRE(mkfifo((scratch.path() / "pipe.npy").c_str(), 0600) == 0);
  CHECK(message(scratch.path() / "none.npy") == "none.npy: No such file or directory");
  CHECK(message(scratch.path() / "folder.npy") == "folder.npy: Is a directory");
  CHECK(message(scratch.path() / "pipe.npy") == "pipe.npy: not a regular file");
  CHECK(message(scratch.path() / "device.npy") == "device.npy: not a regular file");
  CHECK(message(scratch.path() / "loop.npy") == "loop.npy: Too many levels of symbolic links");
}

TEST_CASE("no damage to a good file does harm") {
  ScratchFolder scratch;
  const auto path = scratch.path() / "t.npy";
  const std::string good = file_bytes(dict("<f4", "(2, 3)"), std::string(24, 'x'));
  std::mt19937 random(1);
  int read = 0, refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (unsigned flips = random() % 3 + 1; flips > 0; --flips)
      bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
    if (round % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
    tests::write_file(path, bytes);
    try {
      const Tensor tensor = load_tensor(path, "", DType::f32, {2, 3});
      CHECK(tensor.count() == 6);
      ++read;
    } catch (const Fault& fault) {
      CHECK((fault.kind == FaultKind::not_a_tensor_file ||
             fault.kind == FaultKind::file_holds_other_type));
      ++refused;
    }
  }
  CHECK(read > 100);  // flips in the data
  CHECK(refused > 1000);
}

Tensor filled(DType type, const Shape& shape) {
  Tensor tensor(type, shape);
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, convert(type, Scalar::floating(DType::f64, static_cast<double>(i) * 0.75 - 2)));
  return tensor;
}

TEST_CASE("what was saved is loaded again") {
  ScratchFolder scratch;
  const auto path = scratch.path() / "t.npy";
  for (const DType type :
       {DType::bool_, DType::i8, DType::i32, DType::i64, DType::f16, DType::f32, DType::f64}) {
    for (const Shape& shape : {Shape{}, {0}, {5}, {2, 3}, {1, 0, 2}, {40, 50, 60}}) {
      CAPTURE(type_text(type, shape));
      const Tensor tensor = filled(type, shape);
      save_npy(path, tensor);
      const Tensor again = load_tensor(path, "", type, shape);
      int wrong = 0;
      for (int64_t i = 0; i < tensor.count(); ++i) wrong += !(again.at(i) == tensor.at(i));
      CHECK(wrong == 0);
    }
  }
  CHECK(tests::files_below(scratch.path()).size() == 1);  // no temporary file stays
}

TEST_CASE("files are what NumPy writes, byte for byte") {
  ScratchFolder scratch;
  const auto path = scratch.path() / "t.npy";
  save_npy(path, filled(DType::f32, {2}));
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  expected += std::string(60, ' ') + "\n";
  expected += std::string("\x00\x00\x00\xc0\x00\x00\xa0\xbf", 8);
  CHECK(tests::read_file(path) == expected);

  save_npy(path, filled(DType::bool_, {}));
  CHECK(tests::read_file(path).substr(10, 56) ==
        "{'descr': '|b1', 'fortran_order': False, 'shape': (), } ");
}

TEST_CASE("one NaN is saved for all") {
  ScratchFolder scratch;
  Tensor tensor(DType::f64, {2});
  const Scalar bits = Scalar::integer(DType::i64, -1);
  tensor.set(0, eval(ScalarOp::from_bits, {&bits, 1}));
  tensor.set(1, Scalar::floating(DType::f64, -std::numeric_limits<double>::infinity()));
  save_npy(scratch.path() / "t.npy", tensor);
  CHECK(tests::read_file(scratch.path() / "t.npy").substr(128) ==
        std::string("\0\0\0\0\0\0\xf8\x7f\0\0\0\0\0\0\xf0\xff", 16));
}

TEST_CASE("one NaN is saved for all of f16") {
  ScratchFolder scratch;
  const auto path = scratch.path() / "t.npy";
  const std::string data("\xff\xff\x00\x3c\x01\x7d", 6);
  save_npy(path, DType::f16, {3}, reinterpret_cast<const std::byte*>(data.data()));
  const std::string saved = tests::read_file(path);
  CHECK(saved.substr(10, 18) == "{'descr': '<f2', '");
  CHECK(saved.substr(128) == std::string("\x00\x7e\x00\x3c\x00\x7e", 6));
}

TEST_CASE("a .npy file has no bf16") {
  ScratchFolder scratch;
  const auto path = scratch.path() / "t.npy";
  const auto message = [&](const auto& action) {
    try {
      action();
    } catch (const Fault& fault) {
      return fault.text.substr(fault.text.rfind('/') + 1);
    }
    return std::string("no fault");
  };
  CHECK(message([&] { save_npy(path, filled(DType::bf16, {2})); }) ==
        "t.npy: .npy files have no bf16; `f32(x)` has every number of bf16");
  CHECK(tests::files_below(scratch.path()).empty());
  save_npy(path, filled(DType::f16, {2}));
  CHECK(message([&] { load_tensor(path, "", DType::bf16, {2}); }) ==
        "t.npy holds f16[2], and no .npy file holds bf16");
  tests::write_file(path, file_bytes(dict("", "(2,)"), "1234"));
  CHECK(message([&] { load_tensor(path, "", DType::bf16, {2}); }) ==
        "t.npy holds ''[2], and no .npy file holds bf16");
}

TEST_CASE("saving where one cannot leaves what was there") {
  ScratchFolder scratch;
  const Tensor tensor = filled(DType::f32, {2});
  const auto message = [&](const std::filesystem::path& path, const Tensor& what) {
    try {
      save_npy(path, what);
    } catch (const Fault& fault) {
      CHECK(fault.kind == FaultKind::cannot_write);
      return fault.text.substr(fault.text.rfind('/') + 1);
    }
    return std::string("it was written");
  };
  std::filesystem::create_directory(scratch.path() / "folder");
  tests::write_file(scratch.path() / "old.npy", "old");
  CHECK(message(scratch.path() / "folder", tensor) == "folder: Is a directory");
  CHECK(message(scratch.path() / "none" / "t.npy", tensor) == "t.npy: No such file or directory");
  CHECK(message(scratch.path() / "old.npy" / "t.npy", tensor) == "t.npy: Not a directory");
  CHECK(message("/dev/null", tensor) == "null: not a regular file");
  CHECK(message(scratch.path() / "old.npy", filled(DType::i8, Shape(65, 1))) ==
        "old.npy: more than 64 axes");
  CHECK(tests::read_file(scratch.path() / "old.npy") == "old");
  CHECK(tests::files_below(scratch.path()).size() == 1);
}

TEST_CASE("saving through a link keeps the link") {
  ScratchFolder scratch;
  tests::write_file(scratch.path() / "real.npy", "old");
  std::filesystem::create_symlink("real.npy", scratch.path() / "link.npy");
  save_npy(scratch.path() / "link.npy", filled(DType::i8, {2}));
  CHECK(std::filesystem::is_symlink(scratch.path() / "link.npy"));
  CHECK(to_text(load_tensor(scratch.path() / "real.npy", "", DType::i8, {2})) == "[-2, -1]");
}

}  // namespace
}  // namespace tenon::runtime
