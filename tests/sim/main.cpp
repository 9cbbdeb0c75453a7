// The tests of the simulator: every tests/sim/*_test.cpp, in one program.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

namespace {

// Ends with the line that all our test programs end with.
struct Totals : doctest::IReporter {
  explicit Totals(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& stats) override {
    const unsigned failed = stats.numTestCasesFailed;
    std::printf("sim: %u passed, %u failed\n", stats.numTestCasesPassingFilters - failed, failed);
  }
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

REGISTER_LISTENER("totals", 1, Totals);

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  return context.run();
}
