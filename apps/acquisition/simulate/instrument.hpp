#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/simulate/earth.hpp"
#include "mth5/time.hpp"

/// What instruments send, made up or played again, and what can go wrong with it. Thread: each object one, functions any.
namespace daq::simulate {

/// Records one after the other, bytes exactly as on the line.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// The next record, good until the next call; nullopt at the end. @throws mth5::FileError
  virtual std::optional<std::string_view> next() = 0;
  /// What the instrument sends by itself before the record that came last: frames without samples, one each.
  [[nodiscard]] virtual std::span<const std::string> before() const { return {}; }
};

enum class Signal : std::uint8_t { Mt, Sine, Counter };
[[nodiscard]] std::optional<Signal> parse_signal(std::string_view text);

struct SignalSettings {
  Signal signal = Signal::Mt;
  mth5::UtcNanos start{};  ///< of the first sample
  double rate_hz = 1;
  std::uint64_t seed = 1;
  Earth earth = {};  ///< under the station, for Signal::Mt
};

/// What a record says. Views into the record.
struct Description {
  std::optional<mth5::UtcNanos> time;    ///< nullopt: not a record of this instrument; then no values
  bool says_time = true;                 ///< `time` stands in it; else it is when its first sample was taken
  std::vector<std::string_view> values;  ///< as text, in the order of Instrument::values; fewer if the record is short
};

/// One instrument: a row of the table in instrument.cpp, or made of a profile (profile.hpp).
struct Instrument {
  std::string name;
  std::string description;
  std::vector<double> rates_hz;  ///< it can have; the first is the default
  std::size_t samples_per_record = 1;
  mth5::Nanos time_resolution{};  ///< of the times in its records
  std::vector<std::string> values;
  std::function<std::unique_ptr<RecordSource>(const SignalSettings& settings)> generate;  ///< endless
  std::function<void(std::string_view record, Description& out)> describe;
  std::function<void(std::string& record, mth5::UtcNanos time)> set_time;  ///< of a record that describe() found a time in
  std::function<void(std::string& record)> lose_lock;  ///< the same record without GPS; {} = it says nothing of it
  std::string line_end = "\n";                         ///< of records that are lines; "" = they are none
  std::string message_end = "";                        ///< of each of the datagrams that a record is sent in; "" = it is one
};

[[nodiscard]] std::span<const Instrument> instruments();
/// nullptr if there is none of that name.
[[nodiscard]] const Instrument* find_instrument(std::string_view name);

}  // namespace daq::simulate
