#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/support.hpp"

/// What numpy, scipy and h5py say, as a reference for our own figures. Thread: one.
namespace support {

/// Runs a script of the tests with the environment of scripts/setup.sh --test. @param script  below tests/
/// @returns the JSON it prints (NaN as Python writes it is not JSON: scripts print null)
/// @throws std::runtime_error if there is no such Python, or the script fails
[[nodiscard]] inline nlohmann::json python(const std::string& script, const std::vector<std::string>& arguments,
                                           std::chrono::milliseconds deadline = std::chrono::seconds{120}) {
  const char* program = std::getenv("MTH5_TEST_PYTHON");
  if (program == nullptr || !std::filesystem::exists(program))
    throw std::runtime_error{"MTH5_TEST_PYTHON names no Python; scripts/setup.sh --test makes one"};
  std::vector<std::string> argv{program, (support::source() / "tests" / script).string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const auto done = run(argv, {}, deadline);
  if (done.code != 0) throw std::runtime_error{script + ": " + done.err};
  return nlohmann::json::parse(done.out);
}

/// Doubles as numpy.fromfile() reads them.
inline void write_doubles(const std::filesystem::path& path, std::span<const double> values) {
  std::ofstream out{path, std::ios::binary};
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  if (!out.flush()) throw std::runtime_error{path.string() + ": cannot be written"};
}

}  // namespace support
