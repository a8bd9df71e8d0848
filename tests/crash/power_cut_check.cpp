#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <list>
#include <string>
#include <string_view>

#include "check.hpp"

namespace {

/// Reads what the writer said until its power was cut; a last line that is not whole says nothing.
crash::Expected read_console(const char* path, std::list<crash::State>& states) {
  std::ifstream in{path};
  if (!in) throw std::runtime_error{std::string{path} + ": cannot be read"};
  crash::Expected expected;
  constexpr std::string_view kTry = "try ", kDurable = "durable ";
  for (std::string line; std::getline(in, line) && !in.eof();) {
    if (line.starts_with(kTry))
      expected.states.push_back(&states.emplace_back(crash::State::from(std::string_view{line}.substr(kTry.size()))));
    else if (line.starts_with(kDurable))
      expected.floor = std::stoll(line.substr(kDurable.size()));
  }
  return expected;
}

}  // namespace

/// power_cut_check FILE CONSOLE SEED: whether FILE is at one of the commits that CONSOLE tells of, not older than the last
/// acknowledged durable one, with every sample right, and can be gone on with.
int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: power_cut_check FILE CONSOLE SEED\n");
    return 2;
  }
  try {
    std::list<crash::State> states;
    const auto expected = read_console(argv[2], states);
    const auto verdict = crash::check_image(argv[1], expected, std::strtoull(argv[3], nullptr, 10));
    if (verdict.kind == crash::Verdict::Kind::Failed) {
      std::printf("%s\n", verdict.text.c_str());
      return 1;
    }
    std::printf("commit %lld or later of %zu begun: good\n", static_cast<long long>(expected.floor), states.size());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "power_cut_check: error: %s\n", e.what());
    return 2;
  }
  return 0;
}
