// .safetensors files: each type and layout that the format has is read, and no file that lies does
// harm.
#include "runtime/safetensors.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "runtime/fault.h"
#include "runtime/file_format.h"
#include "runtime/print.h"
#include "runtime/tensor_file.h"
#include "tests/support/text.h"

namespace tenon::runtime {
namespace {

using tests::ScratchFolder;

/// The bytes of a file with this header; `length` is what it says of the header's length.
std::string file_bytes(const std::string& header, const std::string& data, uint64_t length) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(length >> 8 * i & 0xff);
  return out + header + data;
}
std::string file_bytes(const std::string& header, const std::string& data = "") {
  return file_bytes(header, data, header.size());
}

std::string entry(const std::string& dtype, const std::string& shape, int64_t begin, int64_t end) {
  return fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", dtype, shape, begin,
                     end);
}
/// A file of one tensor, called w.
std::string one(const std::string& dtype, const std::string& shape, const std::string& data) {
  return file_bytes(fmt::format(R"({{"w":{}}})", entry(dtype, shape, 0, data.size())), data);
}

/// What `act` returns, or the message of its fault without the folder.
template <class Act>
std::string outcome(const ScratchFolder& scratch, const Act& act) {
  try {
    return act();
  } catch (const Fault& fault) {
    std::string text = fault.message();
    const std::string folder = scratch.path().lexically_normal().string() + "/";
    if (const size_t at = text.find(folder); at != std::string::npos) text.erase(at, folder.size());
    return text;
  }
}

std::string loaded(const std::string& bytes, DType type, const Shape& shape,
                   std::string_view name = "w") {
  ScratchFolder scratch;
  const auto path = scratch.path() / "m.safetensors";
  tests::write_file(path, bytes);
  return outcome(scratch, [&] { return to_text(load_tensor(path, name, type, shape)); });
}

/// Why a file with this header and four bytes of data is no usable one.
std::string refused(const std::string& header, const std::string& data = "1234") {
  const std::string text = loaded(file_bytes(header, data), DType::f32, {1});
  constexpr std::string_view begins = "not a usable file of tensors: m.safetensors";
  CHECK(text.starts_with(begins));
  return text.substr(std::min(begins.size(), text.size()));
}
std::string refused_tensor(const std::string& fields) {
  const std::string text = refused(R"({"w":)" + fields + "}");
  constexpr std::string_view begins = ", tensor 'w': ";
  CHECK(text.starts_with(begins));
  return text.substr(std::min(begins.size(), text.size()));
}

TEST_CASE("each type is read") {
  CHECK(loaded(one("BOOL", "[4]", std::string("\0\1\2\xff", 4)), DType::bool_, {4}) ==
        "[false, true, true, true]");
  CHECK(loaded(one("I8", "[2]", "\x80\x7f"), DType::i8, {2}) == "[-128, 127]");
  CHECK(loaded(one("I32", "[1,2]", std::string("\1\0\0\0\xff\xff\xff\xff", 8)), DType::i32,
               {1, 2}) == "[[1, -1]]");
  CHECK(loaded(one("I64", "[]", std::string("\xfe\xff\xff\xff\xff\xff\xff\xff", 8)), DType::i64,
               {}) == "-2");
  CHECK(loaded(one("F32", "[1]", std::string("\0\0\x20\x40", 4)), DType::f32, {1}) == "[2.5]");
  CHECK(loaded(one("F64", "[]", std::string("\0\0\0\0\0\0\xf8\xbf", 8)), DType::f64, {}) == "-1.5");
  CHECK(loaded(one("F32", "[0,3]", ""), DType::f32, {0, 3}) == "[]");
}

TEST_CASE("of several tensors the one of the name is read") {
  const std::string file = file_bytes(
      fmt::format(R"( {{"__metadata__":{{"format":"pt","":"é"}},"b":{},"a":{},"e":{},"c.d":{}}}  )",
                  entry("I8", "[2]", 2, 4), entry("F8_E4M3", "[2]", 0, 2),
                  entry("F32", "[0]", 4, 4), entry("I8", "[1]", 4, 5))
          .substr(1),
      "xx\1\2\3");
  CHECK(loaded(file, DType::i8, {2}, "b") == "[1, 2]");
  CHECK(loaded(file, DType::i8, {1}, "c.d") == "[3]");
  CHECK(loaded(file, DType::f32, {0}, "e") == "[]");
  CHECK(loaded(file_bytes(R"({"\u0077\u00e9":)" + entry("I8", "[1]", 0, 1) + "}", "\5"), DType::i8,
               {1}, "wé") == "[5]");
}

TEST_CASE("a name that the file has not") {
  const auto message = [](const std::string& header, std::string_view name) {
    return loaded(file_bytes(header), DType::f32, {0}, name);
  };
  const std::string empty = entry("F32", "[0]", 0, 0);
  const std::string begins = "no such tensor: m.safetensors has no ";
  CHECK(message("{}", "w") == begins + "'w' (it holds no tensor)");
  CHECK(message(R"({"weight":)" + empty + R"(,"bias":)" + empty + "}", "wieght") ==
        begins + "'wieght', did you mean 'weight'? (it holds 'bias', 'weight')");
  std::string many;
  for (int i = 0; i < 9; ++i) many += fmt::format(R"({}"layer{}":{})", i ? "," : "{", i, empty);
  CHECK(message(many + "}", "x") ==
        begins + "'x' (it holds 'layer0', 'layer1', 'layer2', 'layer3', 'layer4', 4 more)");
  CHECK(message(R"({"\u001b[31m":)" + empty + "}", "x\n") ==
        begins + "'x\\x0a' (it holds '\\x1b[31m')");
  CHECK(message(R"({"__metadata__":{}})", "__metadata__") ==
        begins + "'__metadata__' (it holds no tensor)");
}

TEST_CASE("another type or shape is named") {
  const auto message = [](const std::string& dtype, const std::string& shape) {
    return loaded(one(dtype, shape, "12345678"), DType::f32, {2});
  };
  const std::string begins =
      "the file holds another type or shape: m.safetensors, tensor 'w', holds ";
  CHECK(message("F64", "[1]") == begins + "f64[1], but f32[2] is wanted");
  CHECK(message("F32", "[2,1]") == begins + "f32[2, 1], but f32[2] is wanted");
  CHECK(message("U8", "[8]") == begins + "'U8'[8], but f32[2] is wanted");
  CHECK(message("F8_E5M2", "[2,4]") == begins + "'F8_E5M2'[2, 4], but f32[2] is wanted");
  CHECK(message("U16", "[]") == begins + "'U16', but f32[2] is wanted");
  CHECK(message("f32", "[2]") == begins + "'f32'[2], but f32[2] is wanted");
}

TEST_CASE("every type of the language has its name in the format") {
  for (size_t i = 0; i < std::size(kDTypes); ++i) {
    const DType type = static_cast<DType>(i);
    CAPTURE(row(type).text);
    REQUIRE_FALSE(row(type).safetensors.empty());
    const std::string data(static_cast<size_t>(row(type).bytes), '\0');
    CHECK(loaded(one(std::string(row(type).safetensors), "[]", data), type, {}) ==
          to_text(Tensor(type, {}).at(0)));
  }
}

TEST_CASE("headers that are no JSON, with the place") {
  CHECK(refused("") == ": its header does not start with '{'");
  CHECK(refused(" {}") == ": its header does not start with '{'");
  CHECK(refused("\xef\xbb\xbf{}") == ": its header does not start with '{'");
  CHECK(refused("[]") == ": its header does not start with '{'");
  CHECK(refused("{} x", "") == ", byte 11: no JSON from here on: x");
  CHECK(refused("{}}", "") == ", byte 10: no JSON from here on: }");
  CHECK(refused(std::string("{}\0x", 4), "") == ", byte 10: a zero byte in the header");
  CHECK(refused("{") == ": its header ends within the JSON");
  CHECK(refused(R"({"w")") == ": its header ends within the JSON");
  CHECK(refused("{\"" + std::string(100, 'a')) == ": its header ends within the JSON");
  CHECK(refused("{w}") == ", byte 9: no JSON from here on: w}");
  CHECK(refused("{\"\xff\":{}}") == ", byte 10: no JSON from here on: \\xff\":{}}");
  CHECK(refused(R"({"\ud800":{}})") == ", byte 16: no JSON from here on: \":{}}");
  CHECK(refused("{\"a\nb\":{}}") == ", byte 11: no JSON from here on: \\x0ab\":{}}");
  CHECK(refused(R"({"w":{"shape":[1e999]}})").starts_with(", byte 2"));
  CHECK(refused("{" + std::string(100, 'a')).ends_with(": aaaaaaaaaaaaaaaaaaaaaaaa..."));
}

TEST_CASE("headers that are no header") {
  CHECK(refused(R"({"w":1})") ==
        ", tensor 'w': a number stands where an object, the tensor's fields, is wanted");
  CHECK(refused(R"({"w":[]})") ==
        ", tensor 'w': a list stands where an object, the tensor's fields, is wanted");
  CHECK(refused(R"({"__metadata__":null})") ==
        ", '__metadata__': null stands where an object of strings is wanted");
  CHECK(refused(R"({"__metadata__":{"a":1}})") ==
        ", '__metadata__': a number stands where a string is wanted");
  CHECK(refused(R"({"__metadata__":{"a":{}}})") ==
        ", '__metadata__': an object stands where a string is wanted");
  CHECK(refused(R"({"__metadata__":{"a":"","b":"","a":""}})", "") ==
        ", '__metadata__': a second 'a'");
  CHECK(refused(R"({"__metadata__":{},"__metadata__":{}})") == ": a second '__metadata__'");
  const std::string empty = entry("F32", "[0]", 0, 0);
  CHECK(refused(fmt::format(R"({{"v":{0},"w":{0},"\u0076":{0}}})", empty), "") ==
        ": two tensors are called 'v'");
}

TEST_CASE("fields that are none") {
  CHECK(refused_tensor("{}") == "the field 'dtype' is missing");
  CHECK(refused_tensor(R"({"dtype":"F32","data_offsets":[0,4]})") ==
        "the field 'shape' is missing");
  CHECK(refused_tensor(R"({"dtype":"F32","shape":[1]})") == "the field 'data_offsets' is missing");
  CHECK(refused_tensor(R"({"dtype":"F32","dtype":"F32"})") == "a second 'dtype'");
  CHECK(refused_tensor(R"({"shape":[],"shape":[]})") == "a second 'shape'");
  CHECK(refused_tensor(R"({"strides":[]})") == "'strides' is not a field of tensors");
  CHECK(refused_tensor(R"({"dtype":1})") == "a number stands where a string, the type, is wanted");
  CHECK(refused_tensor(R"({"shape":4})") == "a number stands where a list of extents is wanted");
  CHECK(refused_tensor(R"({"shape":"4"})") == "a string stands where a list of extents is wanted");
  CHECK(refused_tensor(R"({"shape":[[1]]})") == "a list stands where a whole number is wanted");
  CHECK(refused_tensor(R"({"shape":[true]})") ==
        "true or false stands where a whole number is wanted");
  CHECK(refused_tensor(R"({"shape":[-1]})") ==
        "a negative number stands where a whole number is wanted");
  CHECK(refused_tensor(R"({"shape":[-0]})") ==
        "a negative number stands where a whole number is wanted");
  CHECK(refused_tensor(R"({"shape":[1.0]})") ==
        "a fraction or a number beyond 64 bits stands where a whole number is wanted");
  CHECK(refused_tensor(R"({"shape":[18446744073709551616]})") ==
        "a fraction or a number beyond 64 bits stands where a whole number is wanted");
  CHECK(refused_tensor(R"({"shape":[9223372036854775808]})") ==
        "9223372036854775808 is beyond 64 bits");
  CHECK(refused_tensor(R"({"data_offsets":{}})") ==
        "an object stands where a list of two numbers is wanted");
  CHECK(refused_tensor(R"({"data_offsets":[0]})") == "'data_offsets' are two numbers, not 1");
  CHECK(refused_tensor(R"({"data_offsets":[0,1,2]})") == "more than 2 numbers in a list");
  std::string deep = "[1";
  for (int i = 0; i < 64; ++i) deep += ",1";
  CHECK(refused_tensor(R"({"shape":)" + deep + "]}") == "more than 64 numbers in a list");
}

TEST_CASE("sizes and places that do not fit the file") {
  CHECK(refused_tensor(entry("F32", "[2]", 0, 4)) == "has 4 bytes of data, but f32[2] takes 8");
  CHECK(refused_tensor(entry("F32", "[1]", 4, 0)) == "its data ends at 0, before it begins at 4");
  CHECK(refused_tensor(entry("F32", "[2]", 0, 8)) ==
        "its data ends at 8, but the file has 4 bytes of data");
  CHECK(refused_tensor(entry("F32", "[4611686018427387904,8]", 0, 4)) ==
        "claims f32[4611686018427387904, 8], more than memory has addresses");
  CHECK(refused_tensor(entry("F32", "[0,4611686018427387904,8]", 0, 0)) ==
        "claims f32[0, 4611686018427387904, 8], more than memory has addresses");
  // Another's size matters too, and that of a type that Tenon lacks is not known.
  CHECK(refused(fmt::format(R"({{"v":{}}})", entry("I64", "[1]", 0, 4))) ==
        ", tensor 'v': has 4 bytes of data, but i64[1] takes 8");

  const auto two = [](int64_t a, int64_t b, int64_t c, int64_t d, const std::string& data) {
    return refused(
        fmt::format(R"({{"w":{},"v":{}}})", entry("I8", fmt::format("[{}]", b - a), a, b),
                    entry("I8", fmt::format("[{}]", d - c), c, d)),
        data);
  };
  CHECK(two(0, 2, 1, 3, "123") == ": tensor 'v' begins at byte 1 of the data, within another");
  CHECK(two(0, 2, 0, 2, "12") == ": tensor 'w' begins at byte 0 of the data, within another");
  CHECK(two(0, 2, 1, 1, "12") == ": tensor 'v' begins at byte 1 of the data, within another");
  CHECK(two(1, 2, 2, 4, "1234") == ": bytes 0 to 1 of the data belong to no tensor");
  CHECK(two(3, 4, 0, 2, "1234") == ": bytes 2 to 3 of the data belong to no tensor");
  CHECK(two(0, 2, 2, 3, "1234") == ": bytes 3 to 4 of the data belong to no tensor");
  CHECK(refused("{}", "1234") == ": bytes 0 to 4 of the data belong to no tensor");
}

TEST_CASE("files that end too early, and headers too long") {
  const auto message = [](const std::string& bytes) { return loaded(bytes, DType::f32, {1}); };
  const std::string begins = "not a usable file of tensors: m.safetensors";
  CHECK(message("") == begins + " is too short");
  CHECK(message("1234567") == begins + " is too short");
  CHECK(message(file_bytes("{}", "", 3)) == begins + " ends within its header");
  CHECK(message(file_bytes("{}", "", 100'000'000)) == begins + " ends within its header");
  CHECK(message(file_bytes("{}", "", 100'000'001)) ==
        begins + " has a header of 100000001 bytes, at most 100000000 are read");
  CHECK(message(file_bytes("{}", "", UINT64_MAX)) ==
        begins + " has a header of 18446744073709551615 bytes, at most 100000000 are read");
  CHECK(message(file_bytes("{}", "", uint64_t{1} << 63)) ==
        begins + " has a header of 9223372036854775808 bytes, at most 100000000 are read");
}

TEST_CASE("of a large file only the header and the tensor are read") {
  ScratchFolder scratch;
  const auto path = scratch.path() / "m.safetensors";
  constexpr int64_t kFar = int64_t{1} << 40;  // nothing is written there: the file is a hole
  const std::string header =
      fmt::format(R"({{"far":{},"w":{}}})", entry("I8", fmt::format("[{}]", kFar), 0, kFar),
                  entry("I8", "[2]", kFar, kFar + 2));
  tests::write_file(path, file_bytes(header));
  std::error_code error;
  std::filesystem::resize_file(path, 8 + header.size() + kFar + 2, error);
  if (error) return;  // a file system without holes
  CHECK(outcome(scratch, [&] { return to_text(load_tensor(path, "w", DType::i8, {2})); }) ==
        "[0, 0]");
  CHECK(outcome(scratch, [&] { return to_text(load_tensor(path, "far", DType::i8, {kFar})); }) ==
        fmt::format("out of memory: {} bytes are not to be had", kFar));
}

TEST_CASE("a hundred thousand tensors") {
  std::string header = "{", data;
  constexpr int kMany = 100'000;
  for (int i = kMany; i-- > 0;)
    header += fmt::format(R"("t{}":{}{})", i, entry("I8", "[1]", i, i + 1), i ? "," : "}");
  for (int i = 0; i < kMany; ++i) data += static_cast<char>(i % 100);
  CHECK(loaded(file_bytes(header, data), DType::i8, {1}, "t12345") == "[45]");
  CHECK(loaded(file_bytes(header, data), DType::i8, {1}, "s")
            .ends_with("(it holds 't0', 't1', 't10', 't100', 't1000', 99995 more)"));
  // Nested as deeply: no stack grows with it.
  CHECK(refused("{\"w\":" + std::string(kMany, '[')).ends_with("fields, is wanted"));
  CHECK(refused(std::string(kMany, '{')) ==
        ", byte 9: no JSON from here on: {{{{{{{{{{{{{{{{{{{{{{{{...");
}

TEST_CASE("what is no readable file") {
  ScratchFolder scratch;
  const auto message = [&](const std::string& name) {
    return outcome(
        scratch, [&] { return to_text(load_tensor(scratch.path() / name, "w", DType::f32, {1})); });
  };
  std::filesystem::create_directory(scratch.path() / "folder.safetensors");
  std::filesystem::create_symlink("/dev/zero", scratch.path() / "device.safetensors");
  REQUIRE(mkfifo((scratch.path() / "pipe.safetensors").c_str(), 0600) == 0);
  CHECK(message("none.safetensors") == "cannot read none.safetensors: No such file or directory");
  CHECK(message("folder.safetensors") == "cannot read folder.safetensors: Is a directory");
  CHECK(message("pipe.safetensors") == "cannot read pipe.safetensors: not a regular file");
  CHECK(message("device.safetensors") == "cannot read device.safetensors: not a regular file");

  tests::write_file(scratch.path() / "real", one("F32", "[1]", std::string("\0\0\x20\x40", 4)));
  std::filesystem::create_symlink("real", scratch.path() / "link.safetensors");
  CHECK(message("link.safetensors") == "[2.5]");
}

TEST_CASE("the ending of a file's name tells its format") {
  CHECK(file_format("a/b.npy") == &kNpy);
  CHECK(file_format("m.npy.safetensors") == &kSafetensors);
  CHECK(file_format("m.safetensors.bak") == nullptr);
  CHECK(file_format("npy") == nullptr);
  CHECK(file_format("") == nullptr);
}

}  // namespace
}  // namespace tenon::runtime
