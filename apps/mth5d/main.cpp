#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "acquisition/config/config.hpp"
#include "acquisition/config/keys.hpp"
#include "acquisition/recorder/output.hpp"
#include "acquisition/status/status_file.hpp"
#include "acquisition/stream/streams.hpp"
#include "cli/cli.hpp"
#include "cli/stderr_relay.hpp"
#include "daemon.hpp"
#include "finalize.hpp"
#include "instruments.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/printable.hpp"
#include "mth5/time.hpp"
#include "ports.hpp"
#include "printable_log.hpp"
#include "show_status.hpp"

namespace fs = std::filesystem;
namespace po = boost::program_options;

namespace {

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

/// What would keep a good configuration from recording on this host as it is now: a line each.
std::vector<std::string> obstacles(const daq::config::Loaded& loaded) {
  std::vector<std::string> found;
  const auto need = [&](const std::string& key, const std::function<void()>& use) {
    try {
      use();
    } catch (const mth5::FileError& e) {
      const auto line =
          std::find_if(loaded.effective.begin(), loaded.effective.end(), [&](const auto& one) { return one.key == key; });
      const std::string text = e.what();
      found.push_back(mth5::printable((line == loaded.effective.end() ? "" : line->origin + ": ") +
                                      (text.starts_with(key) ? "" : key + " ") + text));
    }
  };
  const auto& config = *loaded.config;
  need("output.directory", [&] { daq::recorder::check_directory(config.output); });
  for (std::size_t i = 0; i < config.sources.size(); ++i)
    if (const auto& input = config.sources[i].input; is_recording(input))  // all else is waited for
      need("sources[" + std::to_string(config.sources[i].item) + "].file.path",
           [&] { (void)mth5::open_regular(std::get<daq::config::ReplayFile>(input).path); });
  return found;
}

/// Of sources of lines whose profile or clock section says so; what the digits of the times say shows --try.
std::vector<std::string> doubts_of_times(const daq::config::Config& config) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < config.sources.size(); ++i) {
    const auto& decoder = config.sources[i].instrument.decoder;
    if (const auto doubt = daq::config::doubt_of_date(config.sources[i]); !doubt.empty())
      found.push_back("source " + config.sources[i].name + ": " + doubt);
    const auto kind = daq::decode::numbering(decoder).kind;
    if (!std::holds_alternative<daq::decode::TextFormat>(decoder) || kind == daq::decode::TimeKind::Host) continue;
    for (const auto& stream : daq::stream::declared(config, static_cast<std::uint16_t>(i)))
      if (const auto doubt = daq::stream::doubt_of_times(stream.timing.stamp_resolution, stream.sample_rate); !doubt.empty())
        found.push_back("source " + stream.name + ": " + doubt);
  }
  return found;
}

/// Nobody who reads the log, or does not, may hold up the recording: all of stderr is relayed first. (spdlog's own asynchronous
/// logger leaves out what libmth5, HDF5 and the end of main write, and its destructor joins a thread that may sit in write(2).)
std::shared_ptr<spdlog::logger> make_log(int verbosity, std::shared_ptr<daq::log::Events> events) {
  const bool journal = cli::stderr_is_journal();
  cli::relay_stderr([journal](std::uint64_t n, const std::string& why) {
    return fmt::format("{}warning: {} log lines dropped: {}\n", journal ? "<4>" : mth5::to_iso(mth5::host_now()) + " ", n, why);
  });
  const bool color = cli::use_color("auto", cli::original_stderr());
  const auto shown =
      std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color ? spdlog::color_mode::always : spdlog::color_mode::never);
  // journald has its own clock and its own levels; a terminal and a file do not.
  if (journal)
    shown->set_formatter(daemon_log::printable_formatter("%&%l: %*", spdlog::pattern_time_type::utc));
  else
    shown->set_formatter(daemon_log::printable_formatter("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$: %*", spdlog::pattern_time_type::utc));
  shown->set_level(verbosity < 0 ? spdlog::level::err : verbosity == 0 ? spdlog::level::info : spdlog::level::debug);
  events->set_level(spdlog::level::info);  // however little is shown
  auto log = std::make_shared<spdlog::logger>("mth5d", spdlog::sinks_init_list{shown, std::move(events)});
  log->set_level(std::min(shown->level(), spdlog::level::info));
  log->flush_on(spdlog::level::info);
  return log;
}

/// A reload that is asked for before anybody listens has to wait: it would end the process. Threads that begin meanwhile never
/// get it.
void hold_reloads(bool hold) {
  sigset_t reload;
  sigemptyset(&reload);
  sigaddset(&reload, SIGHUP);
  pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &reload, nullptr);
}

int daemon_main(int argc, char** argv) {
  // How the manual of the configuration is made; nothing for users, so --help is silent about it.
  if (argc == 2 && std::string_view{argv[1]} == "--print-manual") {
    std::cout << daq::config::manual_page();
    return cli::kDone;
  }
  cli::CommandLine line{
      "mth5d",
      "mth5d - records instruments into a live MTH5 file",
      {"--config FILE [--set KEY=VALUE]... [--until-eof]", "--config FILE --check-config | --print-config | --finalize",
       "--status [--json] [--status-file FILE]", "--list-instruments | --list-ports", "--try PROFILE FILE [--json]"},
      po::options_description{"Recorder"}};
  auto add = line.options.add_options();
  add("config,c", po::value<std::string>()->value_name("FILE"), "the configuration, YAML (mth5d.yaml)");
  add("set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "override one key, e.g. station.id=MT07; may be repeated");
  add("check-config", po::bool_switch(),
      "check the configuration, its output directory and recordings, say all findings, do nothing else");
  add("print-config", po::bool_switch(), "print every key with its value and where it came from");
  add("finalize", po::bool_switch(),
      "archive the files that are closed, as output.finalize and output.retention say, record nothing");
  add("until-eof", po::bool_switch(), "end, with the file closed, when every source has ended");
  add("status", po::bool_switch(), "print the state of the running daemons; exit 1 if none runs, or a source does not deliver");
  add("json", po::bool_switch(), "with --status or --try: as JSON");
  add("status-file", po::value<std::string>()->value_name("FILE"),
      "default /run/mth5d/SURVEY-STATION.json; for --status: all there");
  add("list-instruments", po::bool_switch(), "print the instrument profiles found, and what each decodes");
  add("list-ports", po::bool_switch(), "print the serial ports: names that stay, driver, USB ids, and who has them");
  add("try", po::value<std::vector<std::string>>()->multitoken()->value_name("PROFILE FILE"),
      "show what a profile makes of a recording (- for stdin), record nothing; exit 1 if nothing is decoded");
  add("word", po::value<std::vector<std::string>>(), "");  // FILE of --try, where another option stands before it
  line.positional.add("word", -1);
  line.footer =
      "Order of precedence: defaults, the file, MTH5D_* environment, --set.\n"
      "Signals: TERM, INT drain and close (a second one leaves at once); HUP begins a new file and takes the configuration "
      "again; USR1 logs the status.\n"
      "Exit codes: 0 done, 1 failure, 2 usage, 3 configuration, 130 interrupted. See mth5d(8).\n";
  const auto parsed = cli::parse(line, argc, argv);
  if (parsed.answered) return cli::kDone;
  const auto& values = parsed.values;
  std::optional<fs::path> status_file;
  if (values.count("status-file") > 0) status_file = values["status-file"].as<std::string>();
  if (status_file && status_file->filename().empty())
    throw cli::UsageError{"--status-file: '" + status_file->string() + "' names no file"};

  std::vector<std::string> words;
  for (const char* option : {"try", "word"})
    if (values.count(option) > 0)
      for (const auto& word : values[option].as<std::vector<std::string>>()) words.push_back(word);
  if (!words.empty() && values.count("try") == 0)
    throw cli::UsageError{"'" + words.front() + "': mth5d takes options only; a configuration is given with --config"};
  if (values["status"].as<bool>()) return mth5d::show_status(status_file, values["json"].as<bool>());
  if (values["list-ports"].as<bool>()) return mth5d::list_ports();
  const fs::path config_file = values.count("config") > 0 ? fs::path{values["config"].as<std::string>()} : fs::path{};
  const auto folders = daq::config::instrument_folders(config_file);
  if (values.count("try") > 0) {
    if (words.size() != 2) throw cli::UsageError{"--try: takes a profile and a recording, e.g. --try lemi424 day.TXT"};
    return mth5d::try_recording(words[0], words[1], values["json"].as<bool>(), folders);
  }
  if (values["json"].as<bool>()) throw cli::UsageError{"--json: goes with --status or --try"};
  if (values["list-instruments"].as<bool>()) return mth5d::list_instruments(folders);
  if (config_file.empty()) throw cli::UsageError{"--config: is missing; a commented sample is config/mth5d.yaml"};

  const bool records = !values["check-config"].as<bool>() && !values["print-config"].as<bool>() && !values["finalize"].as<bool>();
  if (records) hold_reloads(true);
  daq::config::Overrides overrides;
  if (values.count("set") > 0) overrides.set = values["set"].as<std::vector<std::string>>();
  overrides.environment = daq::config::process_environment();
  const auto load = [config_file, overrides, folders] { return daq::config::load(config_file, overrides, folders); };
  auto loaded = load();
  if (!loaded.config) {
    std::vector<std::string> findings;
    for (const auto& finding : loaded.findings) findings.push_back(mth5::printable(finding.text()));
    throw cli::ConfigError{join(findings)};
  }
  if (values["check-config"].as<bool>()) {
    if (const auto found = obstacles(loaded); !found.empty()) throw cli::ConfigError{join(found)};
    for (const auto& doubt : daq::recorder::doubts_of_media(loaded.config->output))
      std::cerr << mth5::printable("mth5d: warning: " + doubt) << "\n";
    for (const auto& doubt : doubts_of_times(*loaded.config)) std::cerr << mth5::printable("mth5d: warning: " + doubt) << "\n";
    std::cout << mth5::printable(config_file.string()) << ": good, " << loaded.config->sources.size() << " source(s)\n";
    return cli::kDone;
  }
  if (values["print-config"].as<bool>()) {
    for (const auto& [key, value, origin] : loaded.effective)
      std::cout << mth5::printable(key + " = " + value + "  # " + origin) << "\n";
    return cli::kDone;
  }

  if (values["finalize"].as<bool>()) return mth5d::finalize(*loaded.config, status_file);

  if (status_file && !fs::is_directory(status_file->has_parent_path() ? status_file->parent_path() : fs::path{"."}))
    throw mth5::FileError{"--status-file " + status_file->string() +
                          ": its directory is not there; create it for the user of mth5d (mkdir -p)"};
  const auto events = std::make_shared<daq::log::Events>();
  const auto log = make_log(parsed.verbosity, events);
  if (!status_file)
    status_file =
        daq::status::default_status_file(loaded.config->survey.text("id"), loaded.config->sources.front().station.text("id"));
  mth5d::Daemon daemon{std::move(*loaded.config),
                       {*status_file, values["until-eof"].as<bool>(), cli::build_id(), load, std::move(loaded.effective)},
                       log,
                       events};
  hold_reloads(false);
  daemon.run();
  return cli::kDone;
}

}  // namespace

int main(int argc, char** argv) { return cli::run_main("mth5d", argc, argv, daemon_main); }
