#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acquisition/simulate/answers.hpp"
#include "acquisition/simulate/faults.hpp"
#include "acquisition/simulate/instrument.hpp"
#include "sink.hpp"
#include "stop.hpp"
#include "truth.hpp"

namespace sim {

/// Takes records from their source at their time, damages them as planned, sends them in blocks, writes down what came of each;
/// answers commands between records. Thread: main.
class Player {
 public:
  struct Settings {
    double rate_hz = 1;
    std::optional<double> speed = 1;         ///< times real time; nullopt = no pacing
    std::optional<std::uint64_t> n_records;  ///< at most; nullopt = all
  };
  struct Totals {
    std::uint64_t records = 0;                    ///< played, also those that a fault dropped
    std::uint64_t bytes = 0;                      ///< given to the sink
    std::map<std::string, std::uint64_t> faults;  ///< records by what was done to them
  };
  /// @param truth  may be nullptr. All references outlive the player.
  Player(const daq::simulate::Instrument& instrument, daq::simulate::RecordSource& source, daq::simulate::FaultMaker& faults,
         daq::simulate::Answers& answers, Sink& sink, Truth* truth, Stop& stop, const Settings& settings);
  /// Until the source ends or stop is requested. The sink is open. @throws mth5::Error
  void run();
  [[nodiscard]] const Totals& totals() const { return totals_; }

 private:
  struct Row {
    std::size_t end;    ///< of its bytes in the block
    bool is_record;     ///< else garbage, or an answer
    std::string front;  ///< for the truth; empty without one
    std::vector<std::string> what;
  };
  void add(std::uint64_t index, mth5::Nanos at, std::string_view record, bool late);
  void add_between(std::string_view what);
  /// Behind what has been sent instead.
  void add_held();
  void wait_until(Clock::time_point until);
  /// Waits while the instrument has been told not to send. @returns whether it had to, and for how long
  Clock::duration wait_for_start();
  void answer();
  void flush();
  /// Of one record, in the datagrams that it is sent in. @returns bytes taken
  std::size_t send_messages(std::string_view record);
  void write_down(const Row& row, std::size_t bytes, bool broken_off);

  const daq::simulate::Instrument& instrument_;
  daq::simulate::RecordSource& source_;
  daq::simulate::FaultMaker& faults_;
  daq::simulate::Answers& answers_;
  std::string said_;  ///< answers that have not left yet
  Sink& sink_;
  Truth* truth_;
  Stop& stop_;
  Settings settings_;
  Totals totals_;
  std::string block_;
  std::vector<Row> rows_;
  std::optional<std::pair<Row, std::string>> held_;  ///< late: its bytes are sent behind the next record
  daq::simulate::Description description_;
  std::string restamped_;
};

}  // namespace sim
