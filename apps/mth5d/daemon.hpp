#pragma once

#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <spdlog/logger.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "acquisition/config/config.hpp"
#include "acquisition/intake/intake.hpp"
#include "acquisition/ledger/receipts.hpp"
#include "acquisition/log/events.hpp"
#include "acquisition/log/quiet.hpp"
#include "acquisition/recorder/recorder.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/source/host_clock.hpp"
#include "acquisition/source/source.hpp"
#include "acquisition/status/board.hpp"
#include "acquisition/status/report.hpp"
#include "acquisition/status/status_file.hpp"
#include "acquisition/status/watchdog.hpp"
#include "acquisition/stream/streams.hpp"
#include "service_manager.hpp"

namespace mth5d {

struct Options {
  std::filesystem::path status_file;
  bool until_eof = false;
  std::string version;
  std::function<daq::config::Loaded()> load;      ///< reads the configuration anew, for the signal HUP
  std::vector<daq::config::Effective> effective;  ///< what it said at the start, and holds now
};

/// Puts the stages together and supervises them. Threads: main (signals, status), mth5-io (sources to ring), mth5-writer (ring to
/// file). They stop in the order of the way: sources hand over what has been received, the ring is closed, the writer
/// empties it and closes the file.
class Daemon {
 public:
  Daemon(daq::config::Config config, Options options, std::shared_ptr<spdlog::logger> log,
         std::shared_ptr<daq::log::Events> events);
  ~Daemon();

  /// Runs until a signal, or with until_eof until all sources have ended. @throws what made a stage fail
  void run();

 private:
  using Steady = std::chrono::steady_clock;

  /// One source with what belongs to it. io thread.
  struct Input {
    std::unique_ptr<daq::intake::Intake> intake;
    std::unique_ptr<daq::source::Source> source;
    bool ended = false;
    bool was_lost = false;  ///< not connected since something went wrong
    std::string problem;    ///< what went wrong last
    std::string failure;    ///< it has ended without what it was to give: why
    bool refusal_logged = false;
    // What was logged last: repeats are gathered.
    daq::ledger::SourceCounters logged_bytes;
    std::map<std::uint16_t, daq::ledger::StreamCounters> logged_samples;  ///< by stream
    std::map<std::uint16_t, double> logged_rates;                         ///< Hz, likewise
  };

  void make_input(std::size_t index);
  void take_host_clock(const daq::source::HostClock& clock, const std::string& news);
  void post_board(std::size_t index, bool data);
  void source_ended(std::size_t index);
  void settle();
  void tick_io();
  void log_losses(std::size_t index, bool now);
  void log_first_refusal(std::size_t index);
  void log_news(std::size_t index);
  void log_rates(std::size_t index);
  void judge_ended(std::size_t index);
  void throw_if_unread() const;

  [[nodiscard]] std::string status_text();
  void keep_status_file();
  void claim();
  void wait_for_output(const std::string& problem, std::chrono::seconds pause);
  void take_time(const std::string& what);
  void go_on();
  void wait_for_signal();
  void reload();
  void tick_status();
  void report_status();
  void feed_watchdog(const daq::status::Board::Copy& board, const daq::recorder::State& recorded);
  void write_status(const std::string& text);
  /// Of a signal; the first one stops, a second one leaves at once.
  void ordered_to_stop(int signal);
  /// What becomes of the samples when the process leaves now.
  [[nodiscard]] std::string left_behind() const;
  void stop(const char* why);
  void stage_ended(const char* stage, std::exception_ptr failure);
  /// A thread, for the watchdog; set by itself.
  struct Stage {
    std::atomic<pid_t> thread{0};  ///< 0 before it runs
    std::atomic<bool> ended{false};
    /// @param turned  when it came round last
    [[nodiscard]] daq::status::Watchdog::Turn turn(Steady::time_point turned) const {
      return {ended ? Steady::time_point::max() : turned, daq::status::is_held(thread)};
    }
  };
  template <class Body>
  void guarded(const char* name, Stage& stage, Body body);

  // Constant after construction.
  daq::config::Config config_;
  Options options_;
  std::shared_ptr<spdlog::logger> log_;
  // Shared between threads by their own means.
  daq::stream::Streams streams_;
  daq::ring::Ring ring_;
  daq::ledger::Receipts receipts_;
  daq::status::Board board_;
  daq::recorder::Recorder recorder_;
  std::atomic<Steady::time_point> io_turned_{};  ///< as Recorder::turned()
  Stage io_stage_, writer_stage_;
  // Main thread.
  boost::asio::io_context main_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer status_timer_, drain_timer_;
  daq::status::Daemon about_;
  daq::status::StatusFile status_file_;
  daq::log::Quiet status_quiet_;
  daq::config::Config running_;  ///< what holds from the file of the last reload on
  std::exception_ptr failure_;
  bool stopping_ = false;
  bool told_ready_ = false;
  bool keeps_status_ = false;  ///< no other daemon does
  bool try_at_once_ = false;   ///< somebody says that the output directory is as it should be
  int stop_signal_ = 0;        ///< the first, and when it came
  Steady::time_point stop_ordered_{};
  Steady::time_point warned_call_{};
  Steady::time_point time_taken_{};  ///< when systemd was asked for more of it last
  ServiceManager service_manager_;
  std::optional<std::chrono::microseconds> watchdog_period_;  ///< of systemd
  daq::status::Watchdog watchdog_;
  bool hangs_ = false;  ///< as the watchdog saw it last, and as was logged
  // io thread.
  boost::asio::io_context io_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> io_work_;
  boost::asio::steady_timer io_timer_;
  std::vector<Input> inputs_;
  std::optional<daq::source::HostClocks> host_clocks_;  ///< nullopt: nobody is asked
  daq::log::Quiet quiet_;
  // Last: joined before all else goes.
  std::jthread io_thread_, writer_thread_;
};

}  // namespace mth5d
