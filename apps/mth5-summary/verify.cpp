#include "mth5-summary/verify.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

#include <nlohmann/json.hpp>

#include "analysis/json.hpp"
#include "archive/manifest.hpp"
#include "cli/cli.hpp"
#include "cli/progress_bar.hpp"
#include "mth5/error.hpp"
#include "mth5/printable.hpp"

namespace summary {

namespace {

namespace fs = std::filesystem;
using archive::Found;

int code_of(Found found) {
  switch (found) {
    case Found::Unchanged:
      return cli::kDone;
    case Found::SameSamples:
    case Found::NoManifest:
    case Found::NoSums:
      return cli::kCheckWarning;
    case Found::Changed:
    case Found::Missing:
    case Found::Unreadable:
      break;
  }
  return cli::kDamaged;
}

/// Of two codes: that a sample is lost weighs more than all else.
int worse(int a, int b) {
  const auto rank = [](int code) { return code == cli::kDamaged ? 2 : code == cli::kDone ? 0 : 1; };
  return rank(b) > rank(a) ? b : a;
}

}  // namespace

int verify(const std::vector<std::string>& paths, bool json, bool quiet) {
  std::vector<fs::path> files;
  for (const auto& path : paths) {
    if (!fs::is_directory(path)) {
      std::error_code unknown;
      if (!fs::exists(path, unknown) && archive::verify(path).found == Found::NoManifest)
        throw mth5::FileError{path + ": No such file or directory"};
      files.emplace_back(path);
      continue;
    }
    const auto found = archive::files_to_verify(path);
    if (found.empty()) throw mth5::FileError{path + ": nothing is archived here; mth5-recover --finalize gzip-4 archives a file"};
    files.insert(files.end(), found.begin(), found.end());
  }
  cli::ProgressBar bar{STDERR_FILENO, !quiet};
  int code = cli::kDone;
  std::map<Found, std::size_t> counts;
  auto all = nlohmann::ordered_json::array();
  for (const auto& file : files) {
    const auto one = archive::verify(file, [&](std::int64_t done, std::int64_t total) { bar.show(done, total); });
    bar.clear();
    code = worse(code, code_of(one.found));
    ++counts[one.found];
    const auto text = one.file.string() + ": " + one.text;
    if (json)
      all.push_back({{"file", one.file.string()}, {"found", archive::to_string(one.found)}, {"text", one.text}});
    else if (!quiet || one.found != Found::Unchanged)
      std::cout << mth5::printable(text) << "\n";
  }
  if (json) {
    std::cout << analysis::json::dump(nlohmann::ordered_json{{"schema", 1}, {"files", all}}) << "\n";
    return code;
  }
  if (quiet || files.size() < 2) return code;
  std::string line = std::to_string(files.size()) + " files:";
  for (const auto& [found, n] : counts) line += " " + std::to_string(n) + " " + std::string{archive::to_string(found)} + ",";
  line.back() = '\n';
  std::cout << line;
  return code;
}

}  // namespace summary
