// The prelude is checked where a program uses it; here, all of it, for all that its parameters can
// stand for. And its page lists every function.
#include <doctest/doctest.h>

#include "ast/check.h"
#include "parser/parser.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kPrelude = root() / "prelude";

template <class Items>
void append(Items& to, Items& from) {
  for (auto& item : from) to.push_back(std::move(item));
}

ast::Program parse_prelude(lexer::SourceMap& sources, lexer::Diagnostics& diagnostics) {
  ast::Program all;
  for (const fs::path& path : entries_of(kPrelude)) {
    if (path.extension() != ".tn") continue;
    const uint32_t file = sources.add(path.filename().string(), read_file(path));
    ast::Program part = parser::parse(sources, file, diagnostics);
    append(all.consts, part.consts);
    append(all.records, part.records);
    append(all.functions, part.functions);
  }
  return all;
}

TEST_CASE("every function of the prelude is right for every type and rank that it admits") {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const ast::Program prelude = parse_prelude(sources, diagnostics);
  ast::CheckOptions options;
  options.needs_main = false;
  options.checks_prelude = true;
  ast::check(prelude, {}, options, diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all()) {
    FAIL_CHECK(lexer::render(d, sources));
  }
}

TEST_CASE("the prelude's page lists its functions") {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const std::string page = read_file(kPrelude / "README.md");
  for (const ast::Function& f : parse_prelude(sources, diagnostics).functions) {
    const std::string& file = sources.file(f.span.file).name();
    if (file == "math.tn" || file == "math_f64.tn" || file == "random.tn") continue;  // what built-ins are made of
    CAPTURE(f.name.text);
    const bool listed =
        contains(page, "`" + f.name.text + "(") || contains(page, "`" + f.name.text + "[");
    CHECK(listed);
  }
}

}  // namespace
}  // namespace tenon::tests
