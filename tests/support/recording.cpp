#include "support/recording.hpp"
#include "support/support.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace support {

namespace fs = std::filesystem;

namespace {

const std::string kInstruments = (support::source() / "config/instruments").string();

std::string indented(const std::string& lines) {
  std::string all;
  std::istringstream in{lines};
  for (std::string line; std::getline(in, line);) all += "    " + line + "\n";
  return all;
}

/// A LEMI-424 that is played by a test does not answer; one that shall be spoken to says so in `source`.
std::string silent(const std::string& input, const RecordingOptions& options) {
  const bool spoken_to = input.starts_with("serial") || input.starts_with("tcp");
  const bool own = options.source.find("commands:") != std::string::npos;
  return options.instrument == "lemi424" && spoken_to && !own ? "commands: {start: []}\n" : "";
}

std::string config_text(const fs::path& directory, const std::string& input, const RecordingOptions& options) {
  return "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: '" + directory.string() + "'}\n" + options.config +
         "sources:\n  - name: lemi\n    instrument: " + options.instrument + "\n" + indented(input) +
         indented(options.source + silent(input, options));
}

fs::path data_folder(const TempDir& dir, const RecordingOptions& options) {
  if (options.as_nobody) fs::permissions(dir.path(), fs::perms::all);
  if (!options.directory.empty()) return options.directory;
  fs::create_directory(dir / "data");
  if (options.as_nobody) fs::permissions(dir / "data", fs::perms::all);
  return dir / "data";
}

fs::path written(const fs::path& path, const std::string& text) {
  write_text(path, text);
  return path;
}

std::vector<std::string> command(const TempDir& dir, const RecordingOptions& options, const fs::path& config,
                                 const fs::path& status) {
  auto argv = options.wrapper;
  fs::path program = support::program("mth5d");
  if (options.as_nobody) {
    if (geteuid() == 0)
      argv.insert(argv.end(), {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"});
    fs::copy_file(program, dir / "mth5d");
    program = dir / "mth5d";
    fs::copy(kInstruments, dir / "instruments");
  }
  argv.insert(argv.end(), {program.string(), "--config", config.string()});
  if (options.status_file != "default") argv.insert(argv.end(), {"--status-file", status.string()});
  argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
  return argv;
}

std::map<std::string, std::string> environment(const TempDir& dir, const RecordingOptions& options) {
  // HDF5 forgets memory of its own when a file cannot be closed (disk full).
  write_text(dir / "lsan", "leak:libhdf5\n");
  return {{"MTH5D_INSTRUMENTS", options.as_nobody ? (dir / "instruments").string() : kInstruments},
          {"LSAN_OPTIONS", "print_suppressions=0:suppressions=" + (dir / "lsan").string()}};
}

}  // namespace

Recording::Recording(const std::string& input, const RecordingOptions& options)
    : directory_{data_folder(dir_, options)},
      config_path_{written(dir_ / "mth5d.yaml", config_text(directory_, input, options))},
      status_path_{options.status_file.empty() ? dir_ / "status.json" : options.status_file},
      process_{Process::start(command(dir_, options, config_path_, status_path_), environment(dir_, options))} {}

std::string Recording::tcp(int port) { return "tcp: {host: 127.0.0.1, port: " + std::to_string(port) + "}\n"; }

std::string Recording::udp(int port, const std::string& more) {
  return "udp: {listen: '127.0.0.1:" + std::to_string(port) + "'" + more + "}\n";
}

std::string Recording::serial(const fs::path& device) { return "serial: {device: '" + device.string() + "'}\n"; }

std::string Recording::replay(const fs::path& path, const std::string& speed) {
  return "file: {path: '" + path.string() + "', speed: " + speed + "}\n";
}

std::optional<nlohmann::json> Recording::status() const {
  std::ifstream in{status_path_};
  if (!in) return std::nullopt;
  auto parsed = nlohmann::json::parse(in, nullptr, false);
  if (parsed.is_discarded()) return std::nullopt;
  return parsed;
}

bool Recording::wait_until(const std::function<bool(const nlohmann::json&)>& holds, std::chrono::milliseconds deadline) {
  bool held = false;
  // Ended is asked before the look: the last status must not be missed.
  const auto held_or_ended = [&] {
    const bool ended = !process_.running();
    const auto now = status();
    held = now && holds(*now);
    return held || ended;
  };
  return eventually(held_or_ended, deadline) && held;
}

bool Recording::wait_for_bytes(std::uint64_t bytes, std::chrono::milliseconds deadline) {
  return wait_until([=](const nlohmann::json& s) { return s.at("sources").at(0).at("bytes").get<std::uint64_t>() >= bytes; },
                    deadline);
}

int Recording::status_code() const {
  return run({support::program("mth5d"), "--status", "--status-file", status_path_.string()}).code;
}

std::string lemi_sources(const std::vector<LemiSource>& sources) {
  std::string all;
  for (const auto& source : sources)
    all += (all.empty() ? "" : ", ") + ("{name: " + source.name + ", instrument: lemi424, station: {id: " + source.station +
                                        "}, " + source.input.substr(0, source.input.find('\n')) + "}");
  return "sources=[" + all + "]";
}

std::vector<fs::path> Recording::files() const { return files_in(directory_); }

fs::path Recording::file() const {
  if (const auto now = status(); now && !now->at("file").is_null()) return now->at("file").get<std::string>();
  const auto all = files();
  const auto newest = std::max_element(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return fs::last_write_time(a) < fs::last_write_time(b); });
  if (newest == all.end()) throw std::runtime_error{directory_.string() + ": holds no data file; log of mth5d:\n" + log()};
  return *newest;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& regex) {
  const std::regex pattern{regex};
  std::vector<std::string> found;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    if (std::regex_search(line, pattern)) found.push_back(line);
  return found;
}

}  // namespace support
