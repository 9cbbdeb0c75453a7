// Hostile inputs: each is refused with a diagnostic and exit status 1, within a second, in bounded
// memory.
//
//   tenon_hostile TENON
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/support/arguments.h"
#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

#ifdef TENON_SANITIZE
// Shadow memory is terabytes of address space, and instrumented code is many times slower.
constexpr double kSeconds = 20;
constexpr uint64_t kPeakBytes = 4ull << 30, kAddressSpace = 0;
#else
constexpr double kSeconds = 1;
constexpr uint64_t kPeakBytes = 1ull << 30, kAddressSpace = 8ull << 30;
#endif

struct Attack {
  std::string name;
  std::vector<std::string> arguments;  ///< of tenon, run where the files are
  struct File {
    std::string name, text;
  };
  std::vector<File> files;
  std::string code;  ///< the diagnostic's, as far as it is certain
};

std::string repeated(std::string_view text, size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string random_bytes(size_t count) {
  std::mt19937 random(1);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// A .npy file of version 1.0 whose header says `header`, with `data` behind it.
std::string npy(std::string header, std::string_view data) {
  header.resize(118, ' ');
  header.back() = '\n';
  const std::string length{static_cast<char>(header.size()), 0};
  return "\x93NUMPY" + std::string{1, 0} + length + header + std::string(data);
}

/// A .safetensors file of this header, whose length is said to be `length`.
std::string safetensors(const std::string& header, const std::string& data, uint64_t length) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(length >> 8 * i & 0xff);
  return file + header + data;
}

Attack source(std::string name, std::string text) {
  return {std::move(name), {"check", "attack.tn"}, {{"attack.tn", std::move(text)}}, "E"};
}

Attack ir_text(std::string name, std::string text) {
  return {std::move(name), {"opt", "attack.ir"}, {{"attack.ir", std::move(text)}}, "E"};
}

Attack array(std::string name, std::string file) {
  const std::string program = "fn main() {\n  let x: f32[4] = load(\"x.npy\");\n  print(x);\n}\n";
  return {std::move(name),
          {"run", "--target", "interp", "attack.tn"},
          {{"attack.tn", program}, {"x.npy", std::move(file)}},
          "E07"};
}

Attack tensors(std::string name, std::string file) {
  const std::string program =
      "fn main() {\n  let x: f32[4] = load(\"m.safetensors\", \"w\");\n  print(x);\n}\n";
  return {std::move(name),
          {"run", "--target", "interp", "attack.tn"},
          {{"attack.tn", program}, {"m.safetensors", std::move(file)}},
          "E07"};
}
Attack tensors_header(std::string name, const std::string& header) {
  return tensors(std::move(name), safetensors(header, std::string(16, '\0'), header.size()));
}

std::string one_tensor(const std::string& shape, const std::string& offsets) {
  return fmt::format(R"({{"w":{{"dtype":"F32","shape":[{}],"data_offsets":[{}]}}}})", shape,
                     offsets);
}
/// Like `"t7":{…}` for each number below `count`, all alike.
std::string many_tensors(int count) {
  std::string entries;
  for (int i = 0; i < count; ++i) {
    entries += fmt::format(R"({}"t{}":{{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                           i ? "," : "", i);
  }
  return "{" + entries + "}";
}

std::vector<Attack> attacks() {
  const std::string sixteen(16, '\0');
  auto in_main = [](const std::string& text) { return "fn main() {\n  print(" + text + ");\n}\n"; };
  return {
      source("a megabyte of random bytes", random_bytes(1u << 20)),
      source("100,000 nested parentheses",
             in_main(repeated("(", 100'000) + "1" + repeated(")", 100'000))),
      source("100,000 open parentheses", in_main(repeated("(", 100'000))),
      source("100,000 open braces", "fn main() " + repeated("{ if true ", 100'000)),
      source("100,000 minus signs", in_main(repeated("-", 100'000) + "1")),
      source("100,000 nots", in_main(repeated("not ", 100'000) + "true")),
      source("100,000 nested tensor literals",
             in_main(repeated("[", 100'000) + "1.0" + repeated("]", 100'000))),
      source("a sum of 100,000 terms of unknown names", in_main(repeated("x + ", 100'000) + "x")),
      source("100,000 branches of one if",
             "fn main() {\n" + repeated("if true { } else ", 100'000) + "{ }\n}\n"),
      source("an unterminated string", "fn main() {\n  print(\"no end"),
      source("a line of 10 MB", "fn main() { print(" + std::string(10u << 20, '1') + "); }"),
      source("a name of 10 MB", "fn main() { print(" + std::string(10u << 20, 'x') + "); }"),
      {"a file of 17 MB",
       {"check", "attack.tn"},
       {{"attack.tn", repeated("// nothing\n", (17u << 20) / 11)}},
       "E0802"},
      {"a file that is not there", {"check", "attack.tn"}, {}, "E0801"},
      {"a folder in the place of a file", {"check", "."}, {}, "E0801"},
      {"an empty file", {"run", "--target", "interp", "attack.tn"}, {{"attack.tn", ""}}, "E0305"},
      source("a hundred thousand errors",
             "fn main() {\n" + repeated("  let = ;\n", 100'000) + "}\n"),
      source("extents beyond all memory",
             "fn main() {\n  let x: f32[1000000, 1000000, 1000000, 1000000] = zeros();\n  "
             "print(x);\n}\n"),
      source("a chain of ever larger tensors",
             "fn f[N](x: f32[N]) -> f32 {\n  let y[i: N + 1] = 0.0;\n  return f(y);\n}\n"
             "fn main() {\n  print(f([1.0]));\n}\n"),
      ir_text("a megabyte of random bytes as IR", random_bytes(1u << 20)),
      ir_text("100,000 nested parentheses as IR",
              "func @main() {\nentry:\n  %x = compute [i: 4] { " + repeated("(", 100'000)),
      array("a .npy header that claims more than there is",
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", "")),
      array("a .npy header with an extent beyond 64 bits",
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
                sixteen)),
      array("a .npy header whose extents overflow",
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967297), }",
                sixteen)),
      array("a .npy header with a negative extent",
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }", sixteen)),
      array("a .npy header of objects",
            npy("{'descr': '|O', 'fortran_order': False, 'shape': (4,), }", sixteen)),
      array("a .npy header without an end", "\x93NUMPY" + std::string("\x01\x00\xff\xff", 4) + "{"),
      array("a .npy file of random bytes", random_bytes(1u << 16)),
      array("an empty .npy file", ""),
      tensors("an empty .safetensors file", ""),
      tensors("a .safetensors file of random bytes", random_bytes(1u << 16)),
      tensors("a .safetensors header longer than all numbers", safetensors("{}", "", UINT64_MAX)),
      tensors("a .safetensors header of 100 MB that is not there",
              safetensors("{}", "", 100'000'000)),
      tensors("a .safetensors header with a name of 10 MB without an end",
              safetensors("{\"" + std::string((10u << 20) - 2, 'x'), "", 10u << 20)),
      tensors_header("a .safetensors header with a tensor beyond the file",
                     one_tensor("4", "0,9223372036854775807")),
      tensors_header("a .safetensors header whose extents overflow",
                     one_tensor("4294967296,4294967297", "0,16")),
      tensors_header("a .safetensors header with a negative extent", one_tensor("-4", "0,16")),
      tensors_header("a .safetensors header with an extent of 10 MB",
                     one_tensor(std::string(10u << 20, '9'), "0,16")),
      tensors_header("a .safetensors header with 1,000,000 extents",
                     one_tensor(repeated("1,", 1'000'000) + "4", "0,16")),
      tensors_header("a .safetensors header with 100,000 overlapping tensors",
                     many_tensors(100'000)),
      tensors_header("a .safetensors header with 1,000,000 nested lists",
                     "{\"w\":" + repeated("[", 1'000'000)),
      tensors_header("a .safetensors header with 1,000,000 nested objects",
                     repeated("{\"w\":", 1'000'000)),
  };
}

std::string try_out(const Attack& attack, const std::string& tenon) {
  ScratchFolder scratch;
  for (const Attack::File& file : attack.files) write_file(scratch.path() / file.name, file.text);
  Command command{{tenon}, scratch.path(), "", 10 * kSeconds, kAddressSpace};
  command.argv.insert(command.argv.end(), attack.arguments.begin(), attack.arguments.end());
  const Outcome outcome = run(command);
  const std::string words = outcome.err.substr(0, 1000);
  if (outcome.timed_out || outcome.status != 1) {
    return fmt::format("{}, expected exit status 1\n{}", describe(outcome), words);
  }
  if (!contains(outcome.err, "error[" + attack.code)) return "no diagnostic:\n" + words;
  // Work, not wall time: a busy machine is not the compiler's fault.
  if (outcome.cpu_seconds > kSeconds) {
    return fmt::format("took {:.2f} s, more than {} s", outcome.cpu_seconds, kSeconds);
  }
  if (outcome.peak_bytes > kPeakBytes) {
    return fmt::format("took {} MiB, more than {} MiB", outcome.peak_bytes >> 20, kPeakBytes >> 20);
  }
  if (outcome.err.size() > (1u << 20)) {
    return fmt::format("a diagnostic of {} bytes", outcome.err.size());
  }
  return {};
}

/// An executable whose LLVM is gone says so; the other engines do without.
std::string try_without_llvm(const std::string& tenon) {
  ScratchFolder scratch;
  const std::filesystem::path alone = scratch.path() / "tenon";
  std::filesystem::copy_file(tenon, alone);
  write_file(scratch.path() / "p.tn", "fn main() { print(1); }\n");
  const auto outcome_on = [&](std::string target) {
    return run({{alone, "run", "--target", std::move(target), "p.tn"}, scratch.path(), "", 10});
  };
  const Outcome cpu = outcome_on("cpu"), ir = outcome_on("ir");
  if (cpu.status != 1 || !contains(cpu.err, "needs LLVM")) return describe(cpu) + "\n" + cpu.err;
  return ir.status == 0 && ir.out == "1\n" ? "" : describe(ir) + "\n" + ir.err;
}

/// A small program, and a shell in which what is written soon has no more room.
struct Cramped {
  ScratchFolder scratch;

  Outcome run(const std::string& shell, const std::string& tenon, const std::vector<std::string>& arguments) const {
    write_file(scratch.path() / "p.tn", "fn main() {\n" + repeated("  print(1);\n", 1000) + "}\nfn f() -> i32 { return 1; }\n");
    Command command{{"sh", "-c", shell, "sh", tenon}, scratch.path(), "", 10};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return tests::run(command);
  }
};

/// Output that does not arrive is a failure, however much of it there is: a little is written at the end, much
/// before.
std::string try_full_output(const std::string& tenon, const std::vector<std::string>& arguments) {
  if (!std::filesystem::exists("/dev/full")) return "";
  const Outcome outcome = Cramped().run("exec \"$@\" > /dev/full", tenon, arguments);
  return outcome.status == 1 && contains(outcome.err, "cannot write") ? "" : describe(outcome) + "\n" + outcome.err;
}

/// A file that does not fit on the disk is a failure, and nothing of it stays. There are so many `blocks` of 512
/// bytes.
std::string try_full_disk(const std::string& tenon, int blocks, const std::vector<std::string>& arguments) {
  const Cramped cramped;
  const Outcome outcome =
      cramped.run(fmt::format("trap '' XFSZ; ulimit -f {}; exec \"$@\"", blocks), tenon, arguments);
  if (outcome.status != 1 || !contains(outcome.err, "cannot write")) return describe(outcome) + "\n" + outcome.err;
  return entries_of(cramped.scratch.path()).size() == 1 ? "" : "something was left behind";
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  const Arguments arguments = read_arguments(argc, argv);
  Tally tally("hostile");
  for (const Attack& attack : attacks()) {
    const std::string problem = try_out(attack, arguments.tenon);
    problem.empty() ? tally.pass() : tally.fail(attack.name, problem);
  }
  const std::string problem = try_without_llvm(arguments.tenon);
  problem.empty() ? tally.pass() : tally.fail("an executable without LLVM", problem);
  const std::vector<std::string> speakers[] = {
      {"emit", "ast", "p.tn"}, {"emit", "tokens", "p.tn"}, {"run", "--target", "interp", "p.tn"}, {"--help"}};
  for (const std::vector<std::string>& speaker : speakers) {
    const std::string wrong = try_full_output(arguments.tenon, speaker);
    wrong.empty() ? tally.pass() : tally.fail("no room for what `" + speaker.front() + "` prints", wrong);
  }
  struct Writer {
    int blocks;
    std::vector<std::string> arguments;
  };
  const Writer writers[] = {{1, {"emit", "tokens", "p.tn", "-o", "p.tokens"}},
                            {1, {"build", "p.tn", "-o", "p.a"}},     // not even for an object file
                            {1000, {"build", "p.tn", "-o", "p.a"}}};  // not for the runtime as well
  for (const Writer& writer : writers) {
    const std::string wrong = try_full_disk(arguments.tenon, writer.blocks, writer.arguments);
    wrong.empty() ? tally.pass() : tally.fail("no room for what `" + writer.arguments[0] + "` writes", wrong);
  }
  return tally.close();
}
