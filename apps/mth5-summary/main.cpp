#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include <boost/program_options/value_semantic.hpp>
#include "analysis/cache.hpp"
#include "analysis/comparison.hpp"
#include "analysis/files_of_time.hpp"
#include "analysis/folder.hpp"
#include "analysis/formats/formats.hpp"
#include "analysis/json.hpp"
#include "analysis/summary.hpp"
#include "analysis/well_files.hpp"
#include "archive/names.hpp"
#include "cli/cli.hpp"
#include "cli/progress_bar.hpp"
#include "mth5-summary/mail.hpp"
#include "mth5-summary/pages.hpp"
#include "mth5-summary/report_file.hpp"
#include "mth5-summary/verify.hpp"
#include "mth5/duration.hpp"
#include "mth5/printable.hpp"
#include "sandbox/check.hpp"
#include "site/limits_file.hpp"
#include "site/reference_file.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using Paths = std::vector<std::string>;
using Names = std::vector<std::string>;

/// A report in some format.
struct Rendered {
  std::string text;
  std::optional<int> code = {};  ///< what the program is to end with, in place of its own
};
struct Format {
  std::string_view name;
  bool judged;  ///< has the verdict in it, whether --check asks for it or not
  Rendered (*render)(const analysis::Summary& summary, bool header);
  bool for_others = false;  ///< a file of it is read by another user
};
constexpr std::array kFormats{
    Format{"text", false, [](const auto& summary, bool) { return Rendered{mth5::printable_lines(analysis::to_text(summary))}; }},
    Format{"json", false,
           [](const auto& summary, bool) { return Rendered{analysis::json::dump(analysis::to_json(summary)) + "\n"}; }},
    Format{"csv", false, [](const auto& summary, bool header) { return Rendered{analysis::to_csv(summary, header)}; }},
    Format{"html", true, [](const auto& summary, bool) { return Rendered{analysis::to_html(summary)}; }},
    Format{"nagios", true,
           [](const auto& summary, bool) {
             auto plugin = analysis::to_nagios(summary);
             return Rendered{std::move(plugin.text), plugin.code};
           }},
    Format{"prometheus", true,
           [](const auto& summary, bool) { return Rendered{analysis::to_prometheus(summary, cli::build_id())}; }, true}};

std::string format_names() {
  std::string names;
  for (const auto& format : kFormats) names += (names.empty() ? "" : ", ") + std::string{format.name};
  return names;
}

const Format& format_of(const std::string& name) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& format) { return format.name == name; });
  if (found == kFormats.end()) throw cli::UsageError{"--format: '" + name + "' is not one of " + format_names()};
  return *found;
}

cli::CommandLine command_line() {
  cli::CommandLine line{"mth5-summary",
                        "mth5-summary - report what MTH5 files hold and what they lack",
                        {"[OPTIONS] FILE…", "[OPTIONS] DIRECTORY", "--check LIMITS.yaml [OPTIONS] FILE…|DIRECTORY",
                         "--verify [--format json] FILE…|DIRECTORY"},
                        po::options_description{"Options"}};
  line.options.add_options()                                                                                               //
      ("since", po::value<std::string>()->value_name("TIME"), "only the last 24h (or 7d, …), back from now")               //
      ("since-end", po::value<std::string>()->value_name("TIME"), "the same, back from the last sample")                   //
      ("from", po::value<std::string>()->value_name("UTC"), "only from this time on: 2026-05-01 or 2026-05-01T12:00:00Z")  //
      ("to", po::value<std::string>()->value_name("UTC"), "only up to this time, without it")                              //
      ("day", po::value<std::string>()->value_name("DATE"), "only that day (UTC): 2026-05-01, yesterday, today")           //
      ("format", po::value<Names>()->value_name("NAME"),
       ("of the report (text): " + format_names() + "; several, each for the --output of its turn").c_str())    //
      ("no-header", po::bool_switch(), "with --format csv: without the line of names")                          //
      ("timeout,t", po::value<std::string>()->value_name("TIME"), "with --format nagios: UNKNOWN after (10s)")  //
      ("check", po::bool_switch(),
       "say whether all is well, by limits of the site if a path ends in .yaml, and what to do if not")  //
      ("quiet-ok", po::bool_switch(), "with --check: print nothing when all is well, for cron")          //
      ("compare", po::value<std::string>()->value_name("previous"),
       "with --check: what changed against the same time before")  //
      ("reference", po::value<std::string>()->value_name("FILE"),
       "of the page: curves of the site behind the spectra, as mth5-monitor has them")                                       //
      ("output", po::value<Names>()->value_name("FILE"), "a new file, or the report of before; standard output without it")  //
      ("cache", po::value<std::string>()->value_name("DIRECTORY"),
       "what was measured of each hour is kept there ($XDG_CACHE_HOME/mth5-summary); may be deleted")  //
      ("pages", po::value<std::string>()->value_name("DIRECTORY"),
       "with --day: the page of that day (html) goes there, with one of each station and an index of all days")  //
      ("mail", po::value<Names>()->value_name("ADDRESS"),
       "with --check: when not all is well, the report goes there by sendmail, the page attached")                         //
      ("verify", po::bool_switch(), "say of archived files whether they, and their samples, are as their manifests tell")  //
      ("now", po::value<std::string>()->value_name("UTC"), "the time it is, instead of the clock's")                       //
      ("path", po::value<Paths>(), "");
  line.positional.add("path", -1);
  line.footer =
      "Channels are reported over all runs and files given; files being written are reported as of now. Where a limit is given,\n"
      "all of the time up to it, or up to now, is expected to have samples. Times are UTC.\n\n"
      "Exit: 0 done; 1 failure; 2 usage; 3 wrong limits or curves; 4 a file is damaged or not MTH5; 5 the writer of a file died "
      "without\n"
      "closing it; 6 and 7 with --check: a warning, something critical (7 also instead of 4 and 5). All other files are "
      "reported;\n"
      "the highest wins.\n"
      "--verify: 4 where samples are not what they were, 6 where only bytes are, or a manifest lacks.\n"
      "--format nagios alone: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n";
  return line;
}

Names names_option(const po::variables_map& values, const std::string& name) {
  return values.count(name) > 0 ? values[name].as<Names>() : Names{};
}

/// At least one.
std::vector<const Format*> formats_option(const po::variables_map& values) {
  std::vector<const Format*> formats;
  for (const auto& name : names_option(values, "format")) formats.push_back(&format_of(name));
  if (formats.empty()) formats.push_back(&format_of("text"));
  return formats;
}

std::optional<mth5::UtcNanos> time_option(const po::variables_map& values, const std::string& name) {
  if (values.count(name) == 0) return std::nullopt;
  const auto& text = values[name].as<std::string>();
  const auto time = mth5::parse_time(text);
  if (!time) throw cli::UsageError{"--" + name + ": '" + text + "' is not a time, like 2026-05-01T12:00:00Z"};
  return time;
}

/// All of a day.
analysis::Window day_option(const std::string& text, mth5::UtcNanos now) {
  using std::chrono::days;
  const auto today = std::chrono::floor<days>(now);
  std::optional<mth5::UtcNanos> from;
  if (text == "today") from = today;
  if (text == "yesterday") from = today - days{1};
  if (text.size() == std::string_view{"2026-05-01"}.size() && !from) from = mth5::parse_time(text);
  if (!from) throw cli::UsageError{"--day: '" + text + "' is not a date, like 2026-05-01, nor yesterday or today"};
  return {from, *from + days{1}};
}

/// A name that leads to a file which another name led to: one of them is enough.
struct Alias {
  fs::path path, of;
};

/// A directory that gives no file.
struct NoFiles {
  std::string directory, why;
  bool is_empty;
};

/// Adds the data files of a directory by name. @returns why it cannot be read
std::error_code add_files_of(const fs::path& directory, std::vector<fs::path>& to) {
  const auto before = static_cast<std::ptrdiff_t>(to.size());
  std::error_code error;
  for (fs::directory_iterator entry{directory, error}; !error && entry != fs::directory_iterator{}; entry.increment(error))
    if (analysis::is_data_name(entry->path())) to.push_back(entry->path());
  std::sort(to.begin() + before, to.end());
  return error;
}

/// All files given; those of a directory, and then of its archive/, which may be all that is left of a recording, in order of
/// name. A file that has several names is in it once.
std::vector<fs::path> expand(const Paths& given, std::vector<Alias>& aliases, std::vector<NoFiles>& without) {
  std::vector<fs::path> named;
  for (const auto& path : given) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {  // what is wrong with it is told where it is opened
      named.emplace_back(path);
      continue;
    }
    const std::size_t before = named.size();
    const auto cannot_read = [&](const fs::path& directory) {
      const auto why = add_files_of(directory, named);
      if (why) without.push_back({directory, "cannot be read: " + why.message(), false});
      return bool{why};
    };
    bool failed = cannot_read(path);
    if (const auto archived = fs::path{path} / archive::kFolder; fs::is_directory(archived, error))
      failed = cannot_read(archived) || failed;
    if (!failed && named.size() == before) without.push_back({path, "no MTH5 file (*.h5, *.mth5) in this directory", true});
  }
  // A link gives way to the file itself.
  std::stable_partition(named.begin(), named.end(), [](const fs::path& path) {
    std::error_code error;
    return !fs::is_symlink(path, error);
  });
  std::map<std::pair<dev_t, ino_t>, fs::path> known;
  std::vector<fs::path> files;
  for (const auto& path : named) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) {
      const auto [first, is_new] = known.try_emplace({status.st_dev, status.st_ino}, path);
      if (!is_new) {
        aliases.push_back({path, first->second});
        continue;
      }
    }
    files.push_back(path);
  }
  return files;
}

std::optional<std::chrono::nanoseconds> duration_option(const po::variables_map& values, const std::string& name) {
  if (values.count(name) == 0) return std::nullopt;
  const auto& text = values[name].as<std::string>();
  const auto duration = mth5::parse_duration(text);
  if (!duration || duration->count() == 0)
    throw cli::UsageError{"--" + name + ": '" + text + "' is not a duration above zero, like 5min, 24h, 7d"};
  return duration;
}

/// Monitoring plugins are also told plain seconds: -t 10.
std::optional<std::chrono::nanoseconds> timeout_option(const po::variables_map& values) {
  if (values.count("timeout") == 0) return std::nullopt;
  const auto& text = values["timeout"].as<std::string>();
  const bool plain = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const auto seconds = plain ? mth5::parse_duration(text + "s") : std::nullopt;
  return seconds && seconds->count() > 0 ? seconds : duration_option(values, "timeout");
}

/// Whether the report is to be compared with the time before.
bool compare_option(const po::variables_map& values, bool judged) {
  if (values.count("compare") == 0) return false;
  if (values["compare"].as<std::string>() != "previous")
    throw cli::UsageError{"--compare: '" + values["compare"].as<std::string>() + "' is not known; there is previous"};
  if (!judged) throw cli::UsageError{"--compare needs --check or --format html"};
  return true;
}

/// Of --cache, or of the environment; "" = there is none.
fs::path cache_directory(const po::variables_map& values) {
  if (values.count("cache") > 0) return values["cache"].as<std::string>();
  const char* home = std::getenv("XDG_CACHE_HOME");
  return home != nullptr && *home == '/' ? fs::path{home} / "mth5-summary" : fs::path{};
}

/// Measures each of the days before the time of the report as the report itself is measured.
void add_past_days(analysis::SiteLimits& limits, analysis::Files files, const analysis::Window& window, mth5::UtcNanos now,
                   std::span<const sandbox::Damage> damage, const analysis::Work& work) {
  using std::chrono::days;
  if (limits.past_days() == 0) return;
  if (!window.from) throw cli::UsageError{"limits against past days need a time to report: --day, --since or --from"};
  for (int back = 1; back <= limits.past_days(); ++back) {
    const analysis::Window day{*window.from - days{back}, *window.from - days{back - 1}};
    limits.add_past(back, analysis::subjects_of(analysis::summarise(files, day, now, damage, analysis::Depth::Quality, work)));
  }
}

/// From when and until when files are asked for: with what is compared with it, and the health from which forecasts are taken.
analysis::Window needed_of(const analysis::Window& window, const std::optional<analysis::SiteLimits>& limits, bool compare) {
  if (!window.from || !window.to) return {};
  auto from = *window.from - analysis::kHealthBefore;
  if (limits) from = std::min(from, *window.from - std::chrono::days{limits->past_days()});
  if (compare) from = std::min(from, *analysis::window_before(window).from);
  return {from, window.to};
}

/// A file in archive/, and the recording, or the archive, that holds the same.
struct Pair {
  std::size_t archived, recording;
  std::string_view made;  ///< what the one is of the other
};
/// By their names and the uuid that an archive has of its recording: the runs of an archive may be joined.
std::vector<Pair> pairs_of(const std::vector<analysis::FilesOfTime::File>& files) {
  const auto place = [](const fs::path& path) {
    std::error_code error;
    return fs::weakly_canonical(path, error);
  };
  std::map<fs::path, std::size_t> known;
  for (std::size_t i = 0; i < files.size(); ++i) known[place(files[i].reader->path())] = i;
  std::vector<Pair> pairs;
  for (const auto& [path, i] : known) {
    const auto uuid = files[i].reader->file_uuid();
    bool some = true;
    for (int n = 1; n <= archive::kMostNames && some && !uuid.empty(); ++n) {
      some = n == 1;
      for (const auto& [name, made] : {std::pair{archive::bridged_path(path, n), "the copy with joined runs of "},
                                       std::pair{archive::archive_path(path, n), "the archive of "}})
        if (const auto archived = known.find(name); archived != known.end()) {
          some = true;
          if (uuid == files[archived->second].reader->file_uuid()) pairs.push_back({archived->second, i, made});
        }
    }
  }
  return pairs;
}

/// Those that a report of the time can do without, by what an earlier one found of them.
std::set<fs::path> unwanted_of(const std::vector<fs::path>& paths, const analysis::WellFiles& well,
                               analysis::FilesOfTime of_time) {
  std::vector<fs::path> known;
  for (const auto& path : paths)
    if (const auto found = well.find(path, analysis::WellFiles::stamp_of(path))) {
      of_time.add(*found);
      known.push_back(path);
    }
  std::set<fs::path> unwanted;
  const auto wanted = of_time.wanted();
  for (std::size_t i = 0; i < known.size(); ++i)
    if (!wanted[i]) unwanted.insert(known[i]);
  return unwanted;
}

/// As many files may be open as the system lets us: more than the 1,024 of most shells.
void open_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/// Long before a monitoring system kills its plugin and knows nothing.
void give_up_after(std::chrono::nanoseconds timeout) {
  std::signal(SIGALRM, [](int) {
    constexpr std::string_view kText =
        "MTH5 UNKNOWN - the report was not made in time: more of it (--timeout), a --cache, or fewer files\n";
    const auto written = write(STDOUT_FILENO, kText.data(), kText.size());
    _exit(written < 0 ? 1 : 3);
  });
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(timeout).count();
  alarm(static_cast<unsigned>(std::min<std::int64_t>(seconds, 1'000'000)));
}

/// "MTH5 CRITICAL: MT07 ex: electrode or cable open, … (and 3 more)"
std::string subject_line(const analysis::Summary& summary) {
  const auto& worst = summary.verdict->front();
  auto line = std::string{worst.severity == analysis::Severity::Critical ? "MTH5 CRITICAL: " : "MTH5 WARNING: "} +
              worst.sentence(summary.now);
  if (const auto more = summary.verdict->size() - 1; more > 0) line += " (and " + std::to_string(more) + " more)";
  return line;
}

int summary_main(int argc, char** argv) {
  const auto parsed = cli::parse(command_line(), argc, argv);
  if (parsed.answered) return cli::kDone;
  const auto& values = parsed.values;
  if (values.count("path") == 0) throw cli::UsageError{"no file or directory given"};
  const auto formats = formats_option(values);
  if (values["verify"].as<bool>()) {
    const auto is_other = [](const auto& one) {
      return one.first != "verify" && one.first != "format" && one.first != "path" && one.first != "quiet" &&
             !one.second.defaulted();
    };
    const auto other = std::find_if(values.begin(), values.end(), is_other);
    if (other != values.end()) throw cli::UsageError{"--verify does not go with --" + other->first};
    const auto name = formats.front()->name;
    if (formats.size() > 1 || (name != "text" && name != "json")) throw cli::UsageError{"--verify needs --format text or json"};
    return summary::verify(values["path"].as<Paths>(), name == "json", parsed.verbosity < 0);
  }
  const auto outputs = names_option(values, "output");
  if (outputs.size() > formats.size()) throw cli::UsageError{"more --output than --format: each has its own"};
  if (formats.size() > outputs.size() + 1)
    throw cli::UsageError{"more than one --format without an --output: standard output is for one"};
  const auto wants = [&](std::string_view name) {
    return std::any_of(formats.begin(), formats.end(), [&](const Format* one) { return one->name == name; });
  };
  const bool header = !values["no-header"].as<bool>();
  if (!header && !wants("csv")) throw cli::UsageError{"--no-header needs --format csv"};
  const auto timeout = timeout_option(values);
  if (timeout && !wants("nagios")) throw cli::UsageError{"--timeout needs --format nagios"};
  if (wants("nagios")) {
    if (formats.size() > 1) throw cli::UsageError{"--format nagios is for itself: its exit status is another"};
    give_up_after(timeout.value_or(std::chrono::seconds{10}));
  }

  analysis::Window window{time_option(values, "from"), time_option(values, "to")};
  const auto since = duration_option(values, "since");
  const auto since_end = duration_option(values, "since-end");
  const bool day = values.count("day") > 0;
  if (day && (since || since_end || window.from || window.to))
    throw cli::UsageError{"--day excludes --since, --since-end, --from and --to"};
  if (since && since_end) throw cli::UsageError{"--since and --since-end exclude each other"};
  if ((since || since_end) && (window.from || window.to))
    throw cli::UsageError{std::string{since ? "--since" : "--since-end"} + " excludes --from and --to"};
  const auto now = time_option(values, "now").value_or(std::chrono::floor<std::chrono::seconds>(mth5::host_now()));
  if (day) window = day_option(values["day"].as<std::string>(), now);
  if (window.from && window.to && *window.from >= *window.to) throw cli::UsageError{"--from must be before --to"};
  const bool check = values["check"].as<bool>();
  const bool pages = values.count("pages") > 0;
  if (pages && !day) throw cli::UsageError{"--pages needs --day"};
  if (pages && !fs::is_directory(values["pages"].as<std::string>()))
    throw mth5::FileError{"--pages " + values["pages"].as<std::string>() + ": is no directory; make it first"};
  const bool judged =
      check || pages || std::any_of(formats.begin(), formats.end(), [](const Format* one) { return one->judged; });
  const bool compare = compare_option(values, judged);
  if (compare && (wants("csv") || wants("nagios") || wants("prometheus")) && !wants("text") && !wants("json") && !wants("html") &&
      !pages)
    throw cli::UsageError{"--compare needs --format text, json or html"};
  const auto addresses = names_option(values, "mail");
  if (!addresses.empty() && !check) throw cli::UsageError{"--mail needs --check"};
  for (const auto& address : addresses) summary::check_address(address);
  if (compare && (!window.from || !window.to) && !since && !since_end)
    throw cli::UsageError{"--compare needs a time with both ends: --day, --since, --since-end, or --from and --to"};
  const bool plots = wants("html") || pages || !addresses.empty();
  std::shared_ptr<const analysis::Reference> reference;
  if (values.count("reference") > 0) {
    if (!plots) throw cli::UsageError{"--reference needs --format html, --pages or --mail"};
    reference = std::make_shared<const analysis::Reference>(site::read_reference(values["reference"].as<std::string>()));
  }
  const bool quiet_ok = values["quiet-ok"].as<bool>();
  if (quiet_ok && !check) throw cli::UsageError{"--quiet-ok needs --check"};

  auto given = values["path"].as<Paths>();
  std::optional<analysis::SiteLimits> limits;
  const auto is_limits = [](const std::string& path) {
    const auto extension = fs::path{path}.extension();
    return extension == ".yaml" || extension == ".yml";
  };
  if (const auto at = std::find_if(given.begin(), given.end(), is_limits); at != given.end()) {
    if (!judged) throw cli::UsageError{*at + ": limits need --check"};
    limits = site::read_limits(*at);
    given.erase(at);
    if (given.empty()) throw cli::UsageError{"no file or directory given"};
  }

  open_many_files();
  // One bad file must not hide the others: it costs a line and the exit code.
  std::vector<std::unique_ptr<mth5::Reader>> files;
  int code = cli::kDone;
  std::vector<Alias> aliases;
  std::vector<NoFiles> without;
  const auto paths = expand(given, aliases, without);
  std::vector<std::string> unreadable;
  for (const auto& [directory, why, is_empty] : without) {
    const auto line = directory + ": " + why;
    if (given.size() == 1 && !judged) throw mth5::FileError{line};
    cli::tell("mth5-summary", "error: " + line);
    if (is_empty && paths.empty()) {  // a verdict says it: there are no samples
      if (!check) code = cli::kFailure;
      continue;
    }
    unreadable.push_back(directory);
    code = std::max<int>(code, cli::kFailure);
  }
  std::vector<summary::ReportFile> reports;  // of the first formats; that of the last may be for standard output
  for (const auto& output : outputs) reports.emplace_back(output, paths);
  std::vector<std::string> remarks;  // told when it is known whether there is anything to say
  const auto remark = [&](const std::string& line) {
    if (quiet_ok)
      remarks.push_back(line);
    else if (parsed.verbosity >= 0)
      cli::tell("mth5-summary", line);
  };
  for (const auto& alias : aliases) remark(alias.path.string() + ": the same file as " + alias.of.string() + ": counted once");
  const auto good = [&](const fs::path& path, const auto& use) {
    try {
      use(path);
      return true;
    } catch (const mth5::Error& e) {
      if (paths.size() == 1 && !judged) throw;
      unreadable.push_back(path.string());
      cli::tell("mth5-summary", std::string{"error: "} + e.what());
      code = std::max<int>(code, dynamic_cast<const mth5::FormatError*>(&e) != nullptr ? cli::kDamaged : cli::kFailure);
      return false;
    }
  };
  const auto extent = judged ? sandbox::Extent::All : sandbox::Extent::Samples;
  if (since) window = {now - *since, now};
  const auto needed = since_end ? analysis::Window{} : needed_of(window, limits, compare);
  analysis::FilesOfTime of_time{needed, now};
  const auto directory = cache_directory(values);
  // Of an archive most files were seen by an earlier report, and are of another time.
  analysis::WellFiles well{needed.from ? directory : fs::path{}, cli::build_id() + (judged ? " judged" : "")};
  const auto unwanted = unwanted_of(paths, well, {needed, now});
  struct Sound {
    fs::path path;
    std::string stamp;
    sandbox::Damage damage;
  };
  std::vector<Sound> sound;  // all checked before any is opened here
  for (const auto& path : paths)
    if (!unwanted.contains(path))
      good(path, [&](const fs::path& one) {
        auto stamp = analysis::WellFiles::stamp_of(one);
        sound.push_back({one, std::move(stamp), sandbox::check(one, {}, {}, extent)});
      });
  std::vector<sandbox::Damage> damage;  // by file
  for (auto& [path, stamp, of_file] : sound) {
    mth5::ReaderOptions options;
    options.leave_out = of_file.tables;
    good(path, [&, &stamp = stamp, &of_file = of_file](const fs::path& one) {
      analysis::FilesOfTime::File file{std::make_unique<mth5::Reader>(one, options), std::move(of_file)};
      if (needed.from) well.keep(one, stamp, analysis::well_file(file));
      of_time.add(std::move(file));
    });
  }
  well.write();
  auto opened = of_time.take();
  for (const auto& [archived, recording, made] : pairs_of(opened)) {
    if (!opened[archived].reader || !opened[recording].reader) continue;  // counted with a third one
    // What is whole counts; of the other, what is wrong with it is told.
    auto& lost = opened[recording].damage.lines.empty() ? opened[archived] : opened[recording];
    auto& kept = &lost == &opened[archived] ? opened[recording] : opened[archived];
    remark(opened[archived].reader->path().string() + ": " + std::string{made} + opened[recording].reader->path().string() +
           ": counted once");
    if (!lost.damage.lines.empty()) {
      unreadable.push_back(lost.reader->path().string());
      code = std::max<int>(code, cli::kDamaged);
      for (const auto& line : lost.damage.lines) cli::tell("mth5-summary", "error: " + line);
      remark(kept.reader->path().string() + " is reported instead");
    }
    lost.reader.reset();
  }
  for (auto& [file, of_file] : opened) {
    if (!file) continue;
    files.push_back(std::move(file));
    damage.push_back(std::move(of_file));
    for (const auto& line : files.back()->warnings()) remark("warning: " + line);
  }
  if (files.empty() && !judged) return code;
  if (since_end) {
    window.to = analysis::data_end(files, now);
    if (window.to) window.from = *window.to - *since_end;
  }
  const auto depth = plots ? analysis::Depth::Plots : judged ? analysis::Depth::Quality : analysis::Depth::Report;
  analysis::Cache cache{directory, cli::build_id(), remark};
  cli::ProgressBar bar{STDERR_FILENO, parsed.verbosity >= 0};
  const analysis::Work work{directory.empty() ? nullptr : &cache,
                            [&](std::int64_t done, std::int64_t of_all) { bar.show(done, of_all); }};
  auto summary = analysis::summarise(files, window, now, damage, depth, work);
  summary.unreadable = std::move(unreadable);
  summary.left_out = of_time.left_out() + unwanted.size();
  summary.reference = std::move(reference);
  if (limits) {
    add_past_days(*limits, files, window, now, damage, work);
    summary.limits = [own = *limits](const analysis::Rule& rule, const analysis::Subject& subject) {
      return own.of(rule, subject);
    };
  }
  if (judged) {
    summary.subjects = analysis::subjects_of(summary);
    summary.verdict = analysis::judge(summary.subjects, summary.limits);
  }
  if (compare && window.from && window.to) {
    auto before = analysis::summarise(files, analysis::window_before(window), now, damage, analysis::Depth::Quality, work);
    before.subjects = analysis::subjects_of(before);
    summary.compared = std::make_shared<analysis::Comparison>(analysis::compare(summary, before));
  }
  bar.clear();
  cache.say_of_damaged();
  if (parsed.verbosity > 0 && !directory.empty())
    cli::tell("mth5-summary", std::to_string(cache.counts().read) + " samples read, " + std::to_string(cache.counts().known) +
                                  " known from the cache");
  for (const auto& file : summary.files) {
    if (file.copy_of) remark(file.path + ": all its samples are in " + *file.copy_of + ": counted once");
    if (file.state == mth5::FileState::WriterDied) code = std::max<int>(code, cli::kWriterDied);
    for (const auto& line : file.damaged) cli::tell("mth5-summary", "error: " + line);
    for (const auto& line : file.unread) cli::tell("mth5-summary", "error: " + line);
    for (const auto& line : file.remarks) remark("warning: " + file.path + ": " + line);
    if (!file.damaged.empty()) code = std::max<int>(code, cli::kDamaged);
    if (!file.unread.empty()) code = std::max<int>(code, cli::kFailure);
    if (file.ledger_problem) code = std::max<int>(code, cli::kDamaged);
  }
  if (check && !summary.verdict->empty())
    code = std::max<int>(
        code, summary.verdict->front().severity == analysis::Severity::Critical ? cli::kCheckCritical : cli::kCheckWarning);
  // Better known before the day when something is wrong.
  if (!addresses.empty() && summary.verdict->empty()) try {
      (void)summary::find_sendmail();
    } catch (const mth5::FileError& e) {
      remark(std::string{"warning: "} + e.what());
    }
  const bool silent = quiet_ok && code == cli::kDone;
  if (!silent)
    for (const auto& line : std::exchange(remarks, {}))
      if (parsed.verbosity >= 0) cli::tell("mth5-summary", line);
  std::vector<std::string> texts;
  for (const auto* format : formats) {
    auto rendered = format->render(summary, header);
    texts.push_back(std::move(rendered.text));
    code = rendered.code.value_or(code);
  }
  alarm(0);  // what is said now is the answer
  // One that cannot be written, or sent, costs a line and the exit code: the others are needed all the more.
  const auto attempt = [&](const auto& deliver) {
    try {
      deliver();
    } catch (const mth5::FileError& e) {
      if (wants("nagios")) throw;  // whose codes are others
      cli::tell("mth5-summary", std::string{"error: "} + e.what());
      code = std::max<int>(code, cli::kFailure);
    }
  };
  if (texts.size() > reports.size() && !silent) std::cout << texts.back();
  for (std::size_t i = 0; i < reports.size(); ++i) attempt([&] { reports[i].write(texts[i], formats[i]->for_others); });
  const auto date = mth5::to_iso(window.from.value_or(now)).substr(0, std::string_view{"2026-05-01"}.size());
  if (pages)
    attempt([&] { summary::write_day_pages(values["pages"].as<std::string>(), analysis::to_html_pages(summary, date), paths); });
  if (!addresses.empty() && !summary.verdict->empty())
    attempt([&] {
      summary::send(summary::find_sendmail(),
                    {addresses, subject_line(summary), mth5::printable_lines(analysis::to_text(summary)),
                     analysis::to_html(summary, analysis::kMostOfMail), date + ".html"});
    });
  return code;
}

/// A monitoring plugin has four exit codes and says what is wrong on standard output, usage too.
int answer(int argc, char** argv) {
  bool nagios = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option{argv[i]};
    nagios = nagios || option == "--format=nagios" ||
             (option == "--format" && i + 1 < argc && std::string_view{argv[i + 1]} == "nagios");
  }
  if (!nagios) return summary_main(argc, argv);
  try {
    return summary_main(argc, argv);
  } catch (const std::exception& e) {
    const auto unknown = analysis::nagios_unknown(e.what());
    std::cout << unknown.text;
    return unknown.code;
  }
}

}  // namespace

int main(int argc, char** argv) { return cli::run_main("mth5-summary", argc, argv, answer); }
