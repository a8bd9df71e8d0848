#include "analysis/recorder_log.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "analysis/json.hpp"
#include "analysis/table_text.hpp"

namespace analysis {

namespace {

constexpr std::size_t kMostInText = 10;

/// What tells when there was power, also where nothing went wrong.
bool is_begin_or_end(const std::string& text) { return text.starts_with("start ") || text.starts_with("stopping "); }

}  // namespace

RecorderLog read_log(const mth5::Reader& file, const Window& window) {
  RecorderLog log;
  const auto table = file.table("log");
  if (!table) return log;
  log.there = true;
  for (std::size_t i = 0; i < table->size(); ++i) {
    RecorderLog::Line line{mth5::UtcNanos{mth5::Nanos{table->integer(i, "time")}}, table->text(i, "level"),
                           table->text(i, "text")};
    if ((window.from && line.time < *window.from) || (window.to && line.time >= *window.to)) continue;
    const bool warning = line.level == "warning", info = line.level == "info";
    log.warnings += warning ? 1 : 0;
    log.errors += warning || info ? 0 : 1;
    if (!info || is_begin_or_end(line.text)) log.newest.push_back(std::move(line));
  }
  if (log.newest.size() > RecorderLog::kMost)
    log.newest.erase(log.newest.begin(), log.newest.end() - static_cast<std::ptrdiff_t>(RecorderLog::kMost));
  return log;
}

nlohmann::ordered_json to_json(const RecorderLog& log) {
  auto lines = nlohmann::ordered_json::array();
  for (const auto& line : log.newest)
    lines.push_back({{"time", json::time(line.time)}, {"level", json::text(line.level)}, {"text", json::text(line.text)}});
  return {{"warnings", log.warnings}, {"errors", log.errors}, {"lines", lines}};
}

std::string to_text(const RecorderLog& log) {
  if (log.newest.empty()) return "";
  const auto count = [](std::int64_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); };
  std::string text = "  log: " + count(log.warnings, "warning") + ", " + count(log.errors, "error");
  const auto shown_lines = std::min(log.newest.size(), kMostInText);
  if (shown_lines < log.newest.size()) text += "; the newest lines";
  text += "\n";
  for (auto line = log.newest.end() - static_cast<std::ptrdiff_t>(shown_lines); line != log.newest.end(); ++line)
    text += "    " + mth5::to_iso(line->time) + " " + shown(line->level) + ": " + shown(line->text) + "\n";
  return text;
}

}  // namespace analysis
