#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/support.hpp"

namespace support {

/// What a recording may want beside its input.
struct RecordingOptions {
  std::string source = {};                  ///< more keys of the source, one a line, not indented: "idle_timeout: 1s\n"
  std::string config = {};                  ///< more keys of the file, likewise: "flush: {samples: 1000, interval: 100ms}\n"
  std::vector<std::string> arguments = {};  ///< of mth5d
  std::vector<std::string> wrapper = {};    ///< a command that ends in exec of what follows it: {"setpriv", …}
  bool as_nobody = false;                   ///< root may do all: run as another user, with a copy of the program he can reach
  std::filesystem::path directory = {};     ///< of the data; "" = a folder of the recording's own
  std::string instrument = "lemi424";       ///< or a map in one line
  std::filesystem::path status_file = {};   ///< "" = one of its own; "default" = where mth5d puts it by itself
};

/// A LEMI-424 among several in one daemon.
struct LemiSource {
  std::string name, station, input;  ///< input: as Recording::tcp() and the like make it
};
/// For --set: "sources=[...]".
[[nodiscard]] std::string lemi_sources(const std::vector<LemiSource>& sources);

/// mth5d at work: a LEMI-424 of station MT001 in survey TEST, with its configuration, status and data in a directory of its own.
/// Killed by the destructor if it still runs. Thread: one.
class Recording {
 public:
  /// @param input  a line of YAML: tcp(), serial(), replay() make it
  explicit Recording(const std::string& input, const RecordingOptions& options = {});

  [[nodiscard]] static std::string tcp(int port);
  /// @param more  further keys: ", from: 127.0.0.2"
  [[nodiscard]] static std::string udp(int port, const std::string& more = "");
  [[nodiscard]] static std::string serial(const std::filesystem::path& device);
  /// @param speed  times real time, or "max"
  [[nodiscard]] static std::string replay(const std::filesystem::path& path, const std::string& speed = "max");

  /// The status file; nullopt while there is none.
  [[nodiscard]] std::optional<nlohmann::json> status() const;
  /// Waits until the status holds; false at the deadline, or when mth5d has ended without it.
  [[nodiscard]] bool wait_until(const std::function<bool(const nlohmann::json&)>& holds,
                                std::chrono::milliseconds deadline = std::chrono::seconds{30});
  /// Waits until the source has taken that many bytes since the start.
  [[nodiscard]] bool wait_for_bytes(std::uint64_t bytes, std::chrono::milliseconds deadline = std::chrono::seconds{60});
  [[nodiscard]] std::optional<std::string> wait_for_log(const std::string& regex,
                                                        std::chrono::milliseconds deadline = std::chrono::seconds{30}) {
    return process_.wait_for_output(regex, deadline);
  }

  /// The file that is being written, else the newest one. @throws std::runtime_error if there is none
  [[nodiscard]] std::filesystem::path file() const;
  /// All data files, by name.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const std::filesystem::path& config_path() const { return config_path_; }
  [[nodiscard]] const std::filesystem::path& status_path() const { return status_path_; }

  /// What `mth5d --status` ends with now.
  [[nodiscard]] int status_code() const;

  [[nodiscard]] Process& process() { return process_; }
  /// What mth5d wrote to stderr.
  [[nodiscard]] std::string log() const { return process_.err(); }
  /// TERM, then the exit code (137: it had to be killed).
  int stop(std::chrono::milliseconds deadline = std::chrono::seconds{60}) { return process_.terminate(deadline); }

 private:
  TempDir dir_;
  std::filesystem::path directory_, config_path_, status_path_;
  Process process_;
};

/// Lines of `text` that match (ECMAScript, anywhere in the line).
[[nodiscard]] std::vector<std::string> lines_with(const std::string& text, const std::string& regex);

}  // namespace support
