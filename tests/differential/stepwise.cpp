// The IR that is printed is all there is to know, after every pass.
//
//   tenon_stepwise FILE.ir OUTPUT STATUS DATA
//
// Runs the passes of -O2 over the IR text one by one. As lowered and behind each pass, the module
// verifies, print(parse(text)) == text, and what parse(text) prints when it is interpreted is what
// stands in OUTPUT; where STATUS is not 0 it ends with an error; and its loop nests verify and read
// back too. The first thing that is wrong goes to standard error, under the name of its pass. (One
// process for all passes: a program is interpreted only where its text has changed.)
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>

#include "ir/interpret.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pipelines.h"
#include "tests/differential/nests.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

struct Expected {
  std::string output;
  bool fails;
  fs::path data;
};

ir::Module parse(const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module module = ir::parse(sources, sources.add("text", text), diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all())
    throw std::runtime_error("it does not read back: " +
                             lexer::render(d, sources, lexer::DiagFormat::human));
  return module;
}

/// What is wrong with a run of the module; empty if nothing is.
std::string check_run(const ir::Module& module, const Expected& expected) {
  char* bytes = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&bytes, &size);
  std::string failure;
  runtime::Context context;
  context.out = out;
  context.data_dir = expected.data;
  try {
    ir::interpret(module, context);
  } catch (const ast::RunError& error) {
    failure = error.fault.message();
  }
  runtime::flush(context);
  std::fclose(out);
  const std::string output(bytes, size);
  std::free(bytes);
  if (output != expected.output)
    return "it gives another output\n" + difference(expected.output, output);
  if (failure.empty() == expected.fails)
    return expected.fails ? "it does not fail" : "it fails: " + failure;
  return {};
}

class Steps {
 public:
  Steps(std::string text, const Expected& expected)
      : module_(parse(text)), text_(std::move(text)), expected_(expected) {}

  void run() {
    check("as lowered", "");
    for (const opt::PassRow* pass : opt::parse_pipeline(opt::pipeline(2))) {
      opt::PipelineOptions options;
      options.strict = true;  // else floats may come out otherwise
      options.verify_each = true;
      opt::run_passes(module_, std::span(&pass, 1), options);
      passes_ += fmt::format("{}{}", passes_.empty() ? "" : ",", pass->name);
      check("after " + passes_, std::exchange(text_, ir::print(module_)));
    }
  }

 private:
  void check(const std::string& when, const std::string& before) {
    const auto refuse = [&](const std::string& why) {
      throw std::runtime_error(fmt::format("the IR {}: {}", when, why));
    };
    if (text_ == before) return;
    const ir::Module again = parse(text_);
    const std::string printed = ir::print(again);
    if (printed != text_) refuse("it reads back as another text\n" + difference(text_, printed));
    for (const std::string& problem : {check_run(again, expected_), nests_problem(again)})
      if (!problem.empty()) refuse(problem);
  }

  ir::Module module_;
  std::string text_, passes_;
  const Expected& expected_;
};

int check_file(const fs::path& file, const Expected& expected) {
  try {
    Steps(read_file(file), expected).run();
    return 0;
  } catch (const opt::BrokenIr& broken) {
    fmt::print(stderr, "pass {} broke the IR: {}, in {}\n", broken.pass,
               broken.violations[0].message, broken.violations[0].where);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
  return 1;
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const tenon::tests::Expected expected{tenon::tests::read_file(argv[2]),
                                        std::string_view(argv[3]) != "0", argv[4]};
  int status = 0;
  tenon::runtime::run_on_large_stack([&] { status = tenon::tests::check_file(argv[1], expected); });
  return status;
}
