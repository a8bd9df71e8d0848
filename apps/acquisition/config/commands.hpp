#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/time.hpp"

/// `commands:` of a profile, and of a source over it: what is sent to the instrument. Page: apps/acquisition/doc/commands.md.
namespace daq::config {

/// What is known when a command is sent.
struct CommandValues {
  mth5::UtcNanos now{};                     ///< the host's clock
  std::optional<mth5::UtcNanos> durable{};  ///< time of the last sample that a power cut cannot cost
  std::string token{};                      ///< what the decoder gave with it: where the instrument can go on; "" = nothing yet
};

/// Bytes as a configuration writes them: \r \n \t \\ \xNN are single bytes; {now:FORM} and {durable:FORM} become a time, FORM as
/// for date(1): %Y %y %m %d %j %w %H %M %S %F %T %s; {token} becomes the token; {{ and }} are braces.
class CommandBytes {
 public:
  CommandBytes() = default;
  /// @param text  check_command() has nothing against it
  explicit CommandBytes(std::string text);

  [[nodiscard]] const std::string& text() const { return text_; }  ///< as it was written
  [[nodiscard]] bool empty() const { return parts_.empty(); }
  /// The bytes; nullopt if something in them is not known yet.
  [[nodiscard]] std::optional<std::string> fill(const CommandValues& values) const;
  /// The same for people, in the escapes of a configuration; what is not known yet as it was written.
  [[nodiscard]] std::string shown(const CommandValues& values) const;
  /// Whether {durable} or {token} is in it.
  [[nodiscard]] bool asks_for_durable() const;
  /// Whether `bytes` begin with it, whatever times and token it was filled with; what an instrument that hears it sees.
  enum class Heard : std::uint8_t { No, Begun, Whole };
  /// @param length  Whole: how many bytes it is
  [[nodiscard]] Heard heard_in(std::string_view bytes, std::size_t& length) const;

 private:
  struct Part {
    enum class Kind : std::uint8_t { Bytes, Now, Durable, Token };
    Kind kind;
    std::string text;  ///< Bytes: they; a time: its form
  };
  friend std::string check_command(std::string_view text);
  static std::string parse(std::string_view text, std::vector<Part>& parts);

  std::string text_;
  std::vector<Part> parts_;
};

/// What is wrong with a text for CommandBytes, "" = nothing.
[[nodiscard]] std::string check_command(std::string_view text);
/// The same of an answer: bytes only.
[[nodiscard]] std::string check_answer(std::string_view text);

/// One step of what is said when a connection has been made.
struct StartCommand {
  CommandBytes send;
  CommandBytes answer;  ///< waited for; empty = nothing is
  std::chrono::nanoseconds timeout = std::chrono::seconds{3};
  std::chrono::nanoseconds pause{0};  ///< behind it, before the next one
};
/// What is sent again and again behind that.
struct PeriodicCommand {
  CommandBytes send;
  std::chrono::nanoseconds interval = std::chrono::minutes{1};
};
/// What an instrument answers, for mth5-sim.
struct SimulatedAnswer {
  CommandBytes to;
  CommandBytes answer;         ///< empty = nothing
  std::string then = "go-on";  ///< go-on, send (its records), stop
};
/// `simulate:` of a profile.
struct Simulated {
  std::vector<SimulatedAnswer> answers;  ///< the first that fits holds
  CommandBytes otherwise;                ///< to a line that is none of them; empty = nothing
};

struct Commands {
  std::vector<StartCommand> start;
  std::vector<PeriodicCommand> every;
  std::chrono::nanoseconds spacing{0};  ///< from one command to the next, at least
  std::string no_answer = "go-on";      ///< or reconnect
  std::int64_t limit = 4096;            ///< bytes that wait for an instrument that does not read

  [[nodiscard]] bool empty() const { return start.empty() && every.empty(); }
  /// Whether the instrument is told where to go on.
  [[nodiscard]] bool ask_for_durable() const;
};

}  // namespace daq::config
