#include "support/support.hpp"

#include <hdf5.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace support {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "mth5-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{name + ": cannot make a directory"};
  path_ = name;
}

TempDir::~TempDir() {
  if (std::getenv("MTH5_TEST_KEEP") != nullptr) {
    std::fprintf(stderr, "kept %s\n", path_.c_str());
    return;
  }
  std::error_code ignored;  // a test has failed or passed by now; left-over files in /tmp change neither
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path source() { return MTH5_TEST_SOURCE; }
std::filesystem::path data() { return source() / "tests" / "data"; }

std::string program(std::string_view name) {
  if (const char* others = std::getenv("MTH5_TEST_BIN"); others != nullptr) {
    const auto other = std::filesystem::path{others} / name;
    if (std::filesystem::exists(other)) return other;
  }
  return std::string{MTH5_TEST_BIN} + "/" + std::string{name};
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error{path.string() + ": cannot be read"};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  if (!out.flush()) throw std::runtime_error{path.string() + ": cannot be written"};
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator{directory})
    if (entry.path().extension() == ".h5") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

void take_summary_away(const std::filesystem::path& path) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, access);
  if (H5Ldelete(file, "/Experiment/channel_summary", H5P_DEFAULT) < 0)
    throw std::runtime_error{path.string() + ": has no channel_summary to take away"};
  H5Fclose(file);
  H5Pclose(access);
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

bool freeze(pid_t pid) {
  kill(pid, SIGSTOP);
  return eventually([&] { return read_text("/proc/" + std::to_string(pid) + "/stat").find(") T ") != std::string::npos; });
}

}  // namespace support
