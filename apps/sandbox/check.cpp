#include "sandbox/check.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <sstream>
#include <thread>

#include "mth5/reader.hpp"

namespace sandbox {

namespace {

constexpr int kLooks = 3;  ///< at what cannot be read in a file that is being written
constexpr std::chrono::milliseconds kPause{50};
constexpr std::int64_t kShownRows = 4096;  ///< of a table: what a look at a file reads at most

/// The answer of the child: a line of each object, the table before a tab.
std::string encode(const std::string& table, std::string message) {
  std::replace_if(
      message.begin(), message.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return table + "\t" + message + "\n";
}

Damage decode(const std::string& answer) {
  Damage damage;
  std::istringstream lines{answer};
  for (std::string line; std::getline(lines, line);) {
    const auto tab = std::min(line.find('\t'), line.size());
    if (tab > 0) damage.tables.push_back(line.substr(0, tab));
    damage.lines.push_back(line.substr(std::min(tab + 1, line.size())));
  }
  return damage;
}

}  // namespace

void walk(const std::filesystem::path& path, Reports& reports, Extent extent,
          const std::function<void(const std::string& table, const std::string& message)>& damaged) {
  const auto visit = [&](const std::string& object) { reports.visit(object); };
  const bool live = mth5::probe(path).locked;
  mth5::ReaderOptions options;
  if (!live) options.deadline = std::chrono::milliseconds{0};
  options.visiting = visit;
  options.walk = extent == Extent::All;
  std::optional<mth5::Reader> file{std::in_place, path, options};
  const auto look = [&](const std::string& table, const auto& read) {
    for (int looks = 1;; ++looks) {
      try {
        return read();
      } catch (const mth5::UnsupportedError&) {  // nothing is wrong with it
        if (!damaged) throw;
        return;
      } catch (const mth5::FormatError& e) {
        if (!damaged) throw;
        if (!live || looks >= kLooks) return damaged(table, e.what());
      } catch (const mth5::FileError& e) {
        if (!damaged) throw;
        if (!live || looks >= kLooks) return damaged(table, std::string{e.what()} + ": damaged");
      }
      std::this_thread::sleep_for(kPause);
      file.reset();  // else HDF5 would show again what it has cached
      file.emplace(path, options);
    }
  };
  const auto check_run = [&](std::size_t run) {
    const bool attributes = extent != Extent::Samples;
    if (attributes) look({}, [&] { (void)file->run_metadata(run); });
    const auto channels = file->runs()[run].channels;
    for (const auto channel : channels) look({}, [&] { file->check_channel(channel, attributes); });
  };
  if (extent == Extent::Shown) {
    const auto newest = file->newest_runs();
    for (const auto run : newest) check_run(run);
  } else {
    for (std::size_t run = 0; run < file->runs().size(); ++run) check_run(run);
  }
  const auto tables = file->tables();
  for (const auto& name : tables) {
    visit("/Acquisition/" + name);
    look(name, [&] {
      const bool all = extent != Extent::Shown || name == "gaps" || name.starts_with("clock/");
      (void)file->table(name, all ? 0 : std::max<std::int64_t>(0, file->table_rows(name) - kShownRows));
    });
  }
}

Damage check(const std::filesystem::path& path, const Limits& limits, const Watch& watch, Extent extent) {
  const bool live = mth5::probe(path).locked;
  const auto outcome = run(
      [&](Reports& reports) {
        std::string answer;
        walk(path, reports, extent,
             [&](const std::string& table, const std::string& message) { answer += encode(table, message); });
        return answer;
      },
      limits, watch);
  switch (outcome.end) {
    case End::Done:
      return decode(outcome.answer);
    case End::Busy:
    case End::Failed:  // missing, not readable, in an edit: the caller finds the same
      return {};
    case End::Damaged:
      if (live) return {};
      throw mth5::FormatError{outcome.message};
    case End::Cancelled:
      throw mth5::FileError{path.string() + ": its check was interrupted"};
    case End::Killed:
      throw mth5::FileError{path.string() + ": " + outcome.what_is_wrong()};
    case End::TooLong:
      if (outcome.slow) throw mth5::FileError{path.string() + ": " + outcome.what_is_wrong()};
      [[fallthrough]];
    case End::OutOfMemory:
    case End::Crashed:
      throw mth5::FormatError{path.string() + ": " + outcome.what_is_wrong()};
  }
  return {};
}

}  // namespace sandbox
