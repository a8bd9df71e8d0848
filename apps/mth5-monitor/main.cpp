#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>

#include <boost/program_options/value_semantic.hpp>
#include "analysis/folder.hpp"
#include "analysis/json.hpp"
#include "analysis/table_text.hpp"
#include "cli/cli.hpp"
#include "mth5-monitor/follow.hpp"
#include "mth5-monitor/full_screen.hpp"
#include "mth5/duration.hpp"
#include "mth5/printable.hpp"
#include "site/reference_file.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

cli::CommandLine command_line() {
  cli::CommandLine line{"mth5-monitor",
                        "mth5-monitor - look at an MTH5 file that is being written",
                        {"[OPTIONS] FILE", "[OPTIONS] DIRECTORY"},
                        po::options_description{"Options"}};
  line.options.add_options()                                                                                                //
      ("once", po::bool_switch(), "one look, then exit; works on closed files too")                                         //
      ("follow", po::bool_switch(), "one line per interval until the file is closed, also on a terminal")                   //
      ("json", po::bool_switch(), "one JSON object per look and line")                                                      //
      ("csv", po::bool_switch(), "with --once: a line per channel, comma-separated")                                        //
      ("interval", po::value<std::string>()->value_name("TIME")->default_value("1s"), "between two looks")                  //
      ("window", po::value<std::string>()->value_name("TIME")->default_value("60s"),                                        //
       "what mean, std, min and max are taken over, back from the last sample")                                             //
      ("channels", po::value<std::string>()->value_name("ex,ey,…"), "only these; upper or lower case is the same")          //
      ("station", po::value<std::string>()->value_name("ID"), "only this one")                                              //
      ("wait", po::value<std::string>()->value_name("live|good"), "until samples come, or until all is well; for scripts")  //
      ("replay", po::value<std::string>()->value_name("SPEED"),
       "shows a closed file as it was while it was recorded, so many times as fast")                                    //
      ("timeout", po::value<std::string>()->value_name("TIME")->default_value("60s"), "with --wait: then exit with 1")  //
      ("color", po::value<std::string>()->value_name("auto|always|never")->default_value("auto"),
       "of the full screen; auto: unless NO_COLOR is set")                                                                      //
      ("reference", po::value<std::string>()->value_name("FILE"), "curves of the site behind the spectra, as the manual says")  //
      ("ascii", po::bool_switch(), "full screen without characters beyond ASCII")                                               //
      ("path", po::value<std::string>(), "");
  line.positional.add("path", 1);
  line.footer =
      "On a terminal of at least 80 x 24 the whole screen shows verdict, state and views (? for the keys, q to leave); elsewhere "
      "a line\nper interval. A directory stands for its newest live file (of --station) and is followed from file to file. Times "
      "are UTC. Nothing is "
      "locked, nothing\n"
      "is written, and the writer is not slowed.\n\n"
      "Exit: 0 the file was closed, one look was taken, what was waited for is so, q, or SIGTERM; 1 failure, --timeout; 2 usage; "
      "3 wrong in --reference; 4 "
      "damaged or not MTH5; 5 the writer\n"
      "died; 130 interrupted.\n";
  return line;
}

std::chrono::nanoseconds duration_option(const po::variables_map& values, const std::string& name) {
  const auto& text = values[name].as<std::string>();
  const auto duration = mth5::parse_duration(text);
  if (!duration || duration->count() == 0)
    throw cli::UsageError{"--" + name + ": '" + text + "' is not a duration above zero, like 500ms, 10s, 5min"};
  return *duration;
}

double replay_speed(const std::string& text) {
  double speed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (error != std::errc{} || end != text.data() + text.size() || !(speed > 0) || speed > monitor::kFastestReplay)
    throw cli::UsageError{"--replay: '" + text + "' is not a speed, like 1, 60, 3600; at most " +
                          analysis::number_text(monitor::kFastestReplay)};
  return speed;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items;
  std::istringstream in{list};
  for (std::string item; std::getline(in, item, ',');)
    if (!item.empty()) items.push_back(item);
  return items;
}

/// Of a directory all files that are being written, as stations may share one; else the newest.
std::deque<analysis::LiveFile> open_once(const monitor::FollowOptions& options) {
  std::deque<analysis::LiveFile> files;  // which never moves them
  if (!fs::is_directory(options.path)) {
    files.emplace_back(options.path, options.look);
    return files;
  }
  analysis::Folder folder{options.path, options.look, [&](const std::string& line) {
                            if (!options.quiet) cli::tell("mth5-monitor", line);
                          }};
  std::set<fs::path> seen;
  const auto skip = [&](const analysis::DataFile& file) { return seen.contains(file.path) || (!seen.empty() && !file.locked); };
  while (auto found = folder.open(skip)) {
    seen.insert(found->file().path());
    const bool live = found->file().state() == mth5::FileState::Live;
    files.push_back(std::move(*found));
    if (!live) break;
  }
  if (files.empty()) throw mth5::FileError{folder.nothing()};
  return files;
}

/// What cannot be read in a file with damage is no transient.
analysis::Snapshot look_at_damaged(analysis::LiveFile& file, mth5::UtcNanos now, analysis::Watch& watch) try {
  return file.look(now, watch);
} catch (const mth5::FileError& e) {
  throw mth5::FormatError{std::string{e.what()} + ": damaged"};
}

/// @param first  of several
int look_once(const monitor::FollowOptions& options, analysis::LiveFile& file, bool json, bool csv, bool first) {
  if (const auto missing = file.not_found(); !missing.empty())
    throw mth5::FileError{file.file().path().string() + ": has no " + missing.front()};
  for (const auto& line : file.file().warnings())
    if (!options.quiet) cli::tell("mth5-monitor", "warning: " + line);
  for (const auto& line : file.damaged()) cli::tell("mth5-monitor", "error: " + line);
  const auto now = std::chrono::floor<std::chrono::milliseconds>(mth5::host_now());
  analysis::Watch watch;
  const auto look = file.damaged().empty() ? file.look(now, watch) : look_at_damaged(file, now, watch);
  auto text = json ? analysis::json::dump(analysis::to_json(look)) + "\n"
                   : mth5::printable_lines(csv ? analysis::to_csv(look) : analysis::to_text(look));
  if (csv && !first) text.erase(0, text.find('\n') + 1);  // one heading for all
  std::cout << (!json && !csv && !first ? "\n" : "") << text;
  return look.state == mth5::FileState::WriterDied ? cli::kWriterDied : file.damaged().empty() ? cli::kDone : cli::kDamaged;
}

int look_once(const monitor::FollowOptions& options, bool json, bool csv) {
  int code = cli::kDone;
  auto files = open_once(options);
  bool first = true;
  for (auto& file : files) {
    if (const auto missing = file.not_found(); files.size() > 1 && !missing.empty()) {  // another may have it
      cli::tell("mth5-monitor", "error: " + file.file().path().string() + ": has no " + missing.front());
      code = std::max(code, static_cast<int>(cli::kFailure));
      continue;
    }
    code = std::max(code, look_once(options, file, json, csv, first));
    first = false;
  }
  return code;
}

int monitor_main(int argc, char** argv) {
  const auto parsed = cli::parse(command_line(), argc, argv);
  if (parsed.answered) return cli::kDone;
  const auto& values = parsed.values;
  if (values.count("path") == 0) throw cli::UsageError{"no file or directory given"};
  const bool once = values["once"].as<bool>();
  const bool json = values["json"].as<bool>();
  const bool csv = values["csv"].as<bool>();
  if (once && values["follow"].as<bool>()) throw cli::UsageError{"--once and --follow exclude each other"};
  if (json && csv) throw cli::UsageError{"--json and --csv exclude each other"};
  if (csv && !once) throw cli::UsageError{"--csv goes with --once; to follow a file there is --json"};

  monitor::FollowOptions options;
  options.path = values["path"].as<std::string>();
  options.interval = duration_option(values, "interval");
  options.format = json ? monitor::Format::Json : monitor::Format::Line;
  options.quiet = parsed.verbosity < 0;
  options.look.window = duration_option(values, "window");
  if (values.count("channels") > 0) options.look.components = split(values["channels"].as<std::string>());
  if (values.count("station") > 0) options.look.station = values["station"].as<std::string>();
  if (values.count("wait") > 0) {
    const auto& what = values["wait"].as<std::string>();
    if (what != "live" && what != "good") throw cli::UsageError{"--wait: '" + what + "' is not one of live, good"};
    if (once || values["follow"].as<bool>()) throw cli::UsageError{"--wait excludes --once and --follow"};
    options.wait = what == "live" ? monitor::Wait::Live : monitor::Wait::Good;
  } else if (!values["timeout"].defaulted()) {
    throw cli::UsageError{"--timeout goes with --wait"};
  }
  options.timeout = duration_option(values, "timeout");
  if (values.count("replay") > 0) {
    options.replay = replay_speed(values["replay"].as<std::string>());
    options.look.replay = true;
    if (once || options.wait != monitor::Wait::Nothing) throw cli::UsageError{"--replay excludes --once and --wait"};
    if (fs::is_directory(options.path)) throw cli::UsageError{"--replay is of a file, and not of a directory"};
  }
  std::shared_ptr<const analysis::Reference> reference;
  if (values.count("reference") > 0)
    reference = std::make_shared<const analysis::Reference>(site::read_reference(values["reference"].as<std::string>()));
  const bool color = cli::use_color(values["color"].as<std::string>(), STDOUT_FILENO);
  if (once) return look_once(options, json, csv);
  monitor::hold_signals();
  if (!json && options.wait == monitor::Wait::Nothing && !values["follow"].as<bool>() && monitor::can_show_screen()) {
    std::setlocale(LC_CTYPE, "");  // what the terminal can show, and how wide it is
    if (const auto code = monitor::full_screen(options, {color, values["ascii"].as<bool>(), reference})) return *code;
  }
  return monitor::follow(options);
}

}  // namespace

int main(int argc, char** argv) { return cli::run_main("mth5-monitor", argc, argv, monitor_main); }
