#include "daemon.hpp"

#include <pthread.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <numeric>
#include <tuple>
#include <utility>

#include <boost/asio/post.hpp>

#include "acquisition/config/reload.hpp"
#include "cli/stderr_relay.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"

namespace mth5d {

namespace {

// What systemd is asked for at each step of a recovery: more than the longest time without one before it is given up and taken
// back.
constexpr auto kMoreTime = std::chrono::seconds{90};
constexpr auto kTellEvery = std::chrono::seconds{1};
constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{60};  // from one try of the output directory to the next
constexpr auto kSlowCall = std::chrono::seconds{5};                // of a write or sync, before it is complained of
// Where systemd does not say how long it waits, for the log alone.
constexpr auto kHangs = std::chrono::seconds{60};
// Below TimeoutStopSec of the unit, 90 s: what the disk has not taken by the first is given up and counted, so that the file is
// closed long before the second.
constexpr auto kWriteLimit = std::chrono::seconds{45};
constexpr auto kDrainLimit = std::chrono::seconds{80};
// timeout(1) sends its signal to the process and to its group: twice within a moment, and meant once.
constexpr auto kSameOrder = std::chrono::seconds{2};

/// Samples of all streams that were received, and those of them that became visible or are counted as lost.
std::pair<std::uint64_t, std::uint64_t> progress_of(const daq::status::Board::Copy& board, const daq::recorder::State& recorded) {
  std::uint64_t received = 0, settled = 0;
  for (const auto& stream : board.streams) received += stream.counters.passed;
  for (const auto& stream : recorded.streams) settled += stream.visible + stream.lost;
  return {received, settled};
}

/// How long systemd waits for WATCHDOG=1; nullopt: it does not.
std::optional<std::chrono::microseconds> watchdog_period() {
  std::uint64_t us = 0;
  if (sd_watchdog_enabled(0, &us) <= 0) return std::nullopt;
  return std::chrono::microseconds{us};
}

std::size_t ring_words(const daq::config::Config& config) {
  const double seconds = std::chrono::duration<double>(config.ring).count();
  double words = 0;
  // 1 MiB: recordings are played faster than they were made. And room for what one read of any source can become.
  std::size_t least = 1u << 17;
  for (std::size_t i = 0; i < config.sources.size(); ++i) {
    const auto& instrument = config.sources[i].instrument;
    const auto density = daq::decode::density(instrument.decoder);
    const auto per_frame = density.channels_apart ? 1.0 : static_cast<double>(density.samples_per_frame);
    for (const auto& stream : daq::stream::declared(config, static_cast<std::uint16_t>(i))) {
      const double head = static_cast<double>(sizeof(daq::ring::SamplesHead) / 8 + 2 + instrument.soh.size());
      least = std::max(least, 2 * daq::intake::words_for(instrument, stream.channels.size(), daq::source::kLongestRead));
      // What waits for a channel comes at once when it is waited for no longer.
      const double waiting = density.channels_apart ? std::chrono::duration<double>(stream.channel_wait).count() : 0;
      words +=
          (seconds + 2 * waiting) * (stream.sample_rate * (static_cast<double>(stream.channels.size()) + head / per_frame) + 64);
    }
  }
  return std::max(static_cast<std::size_t>(words), least);
}

}  // namespace

Daemon::Daemon(daq::config::Config config, Options options, std::shared_ptr<spdlog::logger> log,
               std::shared_ptr<daq::log::Events> events)
    : config_{std::move(config)},
      options_{std::move(options)},
      log_{std::move(log)},
      ring_{ring_words(config_)},
      board_{config_.sources.size()},
      recorder_{config_, streams_, ring_, receipts_, log_, {}, std::move(events)},
      signals_{main_, SIGTERM, SIGINT, SIGHUP},
      status_timer_{main_},
      drain_timer_{main_},
      about_{.version = options_.version,
             .state = "starting",
             .since = mth5::host_now(),
             .started = mth5::steady_now(),
             .disk_limit_bytes = config_.output.reserve},
      status_file_{options_.status_file},
      status_quiet_{log_},
      running_{config_},
      service_manager_{log_},
      watchdog_period_{watchdog_period()},
      watchdog_{watchdog_period_.value_or(kHangs)},
      io_work_{boost::asio::make_work_guard(io_)},
      io_timer_{io_},
      quiet_{log_} {
  signals_.add(SIGUSR1);
  inputs_.resize(config_.sources.size());
  for (std::size_t i = 0; i < inputs_.size(); ++i) make_input(i);
  ring_.set_on_room([this] {
    boost::asio::post(io_, [this] {
      for (auto& input : inputs_) input.source->resume();
      settle();
    });
  });
}

Daemon::~Daemon() = default;

void Daemon::make_input(std::size_t index) {
  const auto& config = config_.sources[index];
  Input& input = inputs_[index];
  input.intake = std::make_unique<daq::intake::Intake>(config_, static_cast<std::uint16_t>(index), streams_, ring_);
  board_.source(index, [&](auto& entry) {
    entry.name = config.name;
    entry.input = to_string(config.input);
    entry.instrument = config.instrument.name;
    entry.station = config.station.text("id");
    double rate = 0;  // of the fastest stream
    for (const auto& seen : input.intake->streams()) rate = std::max(rate, streams_.at(seen.stream).sample_rate);
    entry.flow = daq::status::Flow{std::chrono::duration<double>{rate > 0 ? 1 / rate : 1}, mth5::steady_now()};
    for (const auto& quantity : config.instrument.soh) entry.health.push_back({quantity.name, quantity.units});
  });
  daq::source::Listener listener;
  listener.bytes = [this, index](const daq::decode::Chunk& chunk) {
    inputs_[index].intake->take(chunk);
    post_board(index, true);
    log_first_refusal(index);
    log_losses(index, false);
    log_rates(index);
    log_news(index);
  };
  listener.connected = [this, index] {
    Input& in = inputs_[index];
    if (std::exchange(in.was_lost, false)) in.intake->count_reconnect();
    in.problem.clear();
    const auto& source = config_.sources[index];
    quiet_.say(spdlog::level::info, "connected " + source.name,
               fmt::format("source connected source={} input={}", source.name, to_string(source.input)));
    board_.source(index, [](auto& entry) {
      entry.flow.connected(mth5::steady_now());
      entry.problem.clear();
    });
    post_board(index, false);
  };
  listener.disconnected = [this, index](const std::string& reason, bool was_connected) {
    if (was_connected) {
      inputs_[index].intake->disconnected();
      post_board(index, false);
    }
    inputs_[index].was_lost = true;
    inputs_[index].problem = reason;
    const auto& name = config_.sources[index].name;
    const auto* file = std::get_if<daq::config::ReplayFile>(&config_.sources[index].input);
    if (file != nullptr && !file->follow)  // for a recording nobody waits
      log_->error("source failed source={} why=\"{}\"", name, reason);
    else
      quiet_.say(spdlog::level::warn, "waiting " + name + " " + reason,
                 fmt::format("source waiting source={} why=\"{}\" retry=yes", name, reason));
    board_.source(index, [&](auto& entry) {
      entry.flow.disconnected(mth5::steady_now());
      entry.problem = reason;
    });
  };
  listener.told = [this, index](const std::string& what) {
    const auto& name = config_.sources[index].name;
    quiet_.say(spdlog::level::warn, "notice " + name + " " + what, fmt::format("notice source={} problem=\"{}\"", name, what));
  };
  listener.fault = [this, index](daq::ledger::InputFault fault, std::uint64_t n, const std::string& what) {
    auto& intake = *inputs_[index].intake;
    intake.count_fault(fault, n);
    post_board(index, false);
    const auto& name = config_.sources[index].name;
    const auto kind = to_string(fault);
    quiet_.say(spdlog::level::warn, fmt::format("fault {} {}", name, kind),
               fmt::format("input fault source={} reason={} count={} problem=\"{}\"", name, kind,
                           intake.counters().input_faults[static_cast<std::size_t>(fault)], what));
  };
  listener.wrote = [this, index](std::size_t sent, std::size_t unsent) {
    inputs_[index].intake->count_commands(sent, unsent);
    post_board(index, false);
  };
  listener.frames = [this, index] { return inputs_[index].intake->counters().frames; };
  listener.of_use = [this, index] { return inputs_[index].intake->counters().bytes_decoded; };
  listener.ended = [this, index] { source_ended(index); };
  listener.has_room = [this, index](std::size_t n) { return ring_.has_room(inputs_[index].intake->words_for(n)); };
  if (const auto doubt = daq::config::doubt_of_date(config); !doubt.empty()) log_->warn("source {}: {}", config.name, doubt);
  input.source = daq::source::make_source(io_, config, options_.until_eof, std::move(listener));
}

void Daemon::post_board(std::size_t index, bool data) {
  const auto& intake = *inputs_[index].intake;
  const auto now = mth5::steady_now();
  board_.source(index, [&](auto& entry) {
    entry.counters = intake.counters();
    const auto health = intake.state_of_health();
    for (std::size_t i = 0; i < health.size(); ++i) entry.health[i].value = health[i];
    if (!data) return;
    std::uint64_t stored = 0;
    for (const auto& seen : intake.streams()) stored += seen.counters.passed;
    entry.flow.received(now, entry.counters.frames, stored);
  });
  for (const auto& seen : intake.streams()) {
    board_.stream(seen.stream, [&](auto& entry) {
      if (entry.name.empty()) {
        const auto& stream = streams_.at(seen.stream);
        entry.name = stream.name;
        entry.station = stream.station_id();
        entry.source = stream.source;
      }
      entry.counters = seen.counters;
      if (!data || !seen.last_time) return;
      entry.clock_offset_ns = (mth5::host_now() - *seen.last_time).count();
      if (seen.clock) entry.clock = seen.clock;
    });
    receipts_.received(seen.stream, seen.counters.pending + seen.counters.passed, now);
  }
}

void Daemon::take_host_clock(const daq::source::HostClock& clock, const std::string& news) {
  for (auto& input : inputs_) input.intake->host_clock(clock.known_to_s);
  board_.host_clock({clock.known_to_s, clock.says});
  if (!news.empty()) quiet_.say(clock.is_known() ? spdlog::level::info : spdlog::level::warn, "host clock " + news, news);
}

void Daemon::log_losses(std::size_t index, bool now) {
  Input& input = inputs_[index];
  const auto& bytes = input.intake->counters();
  const auto streams = input.intake->streams();
  const bool news = bytes.bytes_skipped != input.logged_bytes.bytes_skipped ||
                    std::any_of(streams.begin(), streams.end(), [&](const auto& seen) {
                      return seen.counters.dropped != input.logged_samples[seen.stream].dropped;
                    });
  if (!news) return;
  if (!quiet_.may_say("losses " + config_.sources[index].name) && !now) return;
  std::string what;
  for (std::size_t i = 0; i < daq::ledger::kSkips; ++i)
    if (const auto n = bytes.bytes_skipped[i] - input.logged_bytes.bytes_skipped[i]; n > 0)
      what += fmt::format(" skipped_bytes[{}]={}", to_string(static_cast<daq::ledger::Skip>(i)), n);
  for (const auto& seen : streams) {
    auto& logged = input.logged_samples[seen.stream];
    for (std::size_t i = 0; i < daq::ledger::kDrops; ++i)
      if (const auto n = seen.counters.dropped[i] - logged.dropped[i]; n > 0)
        what += fmt::format(" {}dropped_samples[{}]={}", streams.size() > 1 ? streams_.at(seen.stream).name + "." : "",
                            to_string(static_cast<daq::ledger::Drop>(i)), n);
    logged = seen.counters;
  }
  log_->warn("not stored source={}{}", config_.sources[index].name, what);
  input.logged_bytes = bytes;
}

void Daemon::log_first_refusal(std::size_t index) {
  Input& input = inputs_[index];
  const auto* refusal = input.refusal_logged ? nullptr : input.intake->first_refusal();
  if (refusal == nullptr) return;
  input.refusal_logged = true;
  log_->warn("first refused source={} {}", config_.sources[index].name, to_string(*refusal));
}

void Daemon::log_news(std::size_t index) {
  for (const auto& news : inputs_[index].intake->take_news()) log_->info("found source={} {}", config_.sources[index].name, news);
}

/// Once for each rate that the times of a stream tell and its profile does not.
void Daemon::log_rates(std::size_t index) {
  constexpr double kSame = 0.05;
  for (const auto& seen : inputs_[index].intake->streams()) {
    if (!seen.other_rate) continue;
    auto& logged = inputs_[index].logged_rates[seen.stream];
    if (std::abs(*seen.other_rate - logged) <= kSame * logged) continue;
    logged = *seen.other_rate;
    const auto& stream = streams_.at(seen.stream);
    quiet_.say(spdlog::level::warn, "rate " + stream.name,
               fmt::format("rate stream={}: the times of its samples say {:.4g} Hz, instrument {} says {:.4g} Hz: correct its "
                           "sample_rate, or the setting of the instrument",
                           stream.name, logged, config_.sources[index].instrument.name, stream.sample_rate));
  }
}

/// A source that ends by itself has to have given something, and to its end: a recording that was not read is not done.
void Daemon::judge_ended(std::size_t index) {
  Input& input = inputs_[index];
  const auto& config = config_.sources[index];
  const bool recording = is_recording(config.input);
  std::uint64_t decoded = 0;
  for (const auto& seen : input.intake->streams()) decoded += seen.counters.decoded;
  if (recording && !input.problem.empty())
    input.failure = input.problem;
  else if (input.intake->counters().bytes_in == 0)
    input.failure = to_string(config.input) + ": is empty";
  else if (const auto* refusal = input.intake->first_refusal(); decoded == 0)
    input.failure = to_string(config.input) + ": no sample in it" + (refusal == nullptr ? "" : ": " + to_string(*refusal));
  if (!input.failure.empty()) input.failure = "source " + config.name + ": " + input.failure;
}

void Daemon::throw_if_unread() const {
  std::string failures;
  for (const auto& input : inputs_)
    if (!input.failure.empty()) failures += (failures.empty() ? "" : "; ") + input.failure;
  if (!failures.empty()) throw mth5::FileError{failures};
}

void Daemon::source_ended(std::size_t index) {
  Input& input = inputs_[index];
  input.ended = true;
  input.intake->finish();
  post_board(index, false);
  log_first_refusal(index);
  log_losses(index, true);
  log_rates(index);
  log_news(index);
  judge_ended(index);
  const auto& bytes = input.intake->counters();
  std::uint64_t samples = 0;
  std::uint64_t gaps = 0;
  for (const auto& seen : input.intake->streams()) {
    samples += seen.counters.passed;
    gaps += seen.counters.gaps;
  }
  log_->info("source ended source={} bytes={} frames={} samples={} gaps={}", config_.sources[index].name, bytes.bytes_in,
             bytes.frames, samples, gaps);
  board_.source(index, [](auto& entry) { entry.flow.ended(mth5::steady_now()); });
  settle();
}

void Daemon::settle() {
  if (!io_work_ || !std::all_of(inputs_.begin(), inputs_.end(), [](const Input& i) { return i.ended; })) return;
  for (auto& input : inputs_)
    if (!input.intake->settled()) input.intake->finish();
  if (!std::all_of(inputs_.begin(), inputs_.end(), [](const Input& i) { return i.intake->settled(); })) {
    (void)ring_.has_room(ring_.capacity_words() / 2);  // asks to be called again
    return;
  }
  io_timer_.cancel();
  if (host_clocks_) host_clocks_->stop();
  quiet_.flush();
  io_work_.reset();
  ring_.close();
}

void Daemon::tick_io() {
  io_timer_.expires_after(std::chrono::seconds{1});
  io_turned_ = mth5::steady_now();
  io_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !io_work_) return;  // cancel() comes too late for a timer that has expired: it must not begin anew
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!inputs_[i].ended) inputs_[i].intake->tick();
      log_losses(i, false);
    }
    quiet_.tick();
    tick_io();
  });
}

template <class Body>
void Daemon::guarded(const char* name, Stage& stage, Body body) {
  pthread_setname_np(pthread_self(), name);
  stage.thread = gettid();
  std::exception_ptr failure;
  try {
    body();
  } catch (...) {
    failure = std::current_exception();  // handed to the supervisor, who ends the process with it
  }
  stage.ended = true;
  boost::asio::post(main_, [this, name, failure] { stage_ended(name, failure); });
}

std::string Daemon::status_text() {
  return daq::status::to_json(board_.copy(), recorder_.state(), receipts_, ring_, about_)
             .dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

/// @throws mth5::BusyError, daq::status::Unfit: it is another's, or none
void Daemon::keep_status_file() {
  if (keeps_status_) return;
  try {
    status_file_.claim(status_text());
  } catch (const daq::status::Unfit&) {
    throw;
  } catch (const mth5::FileError&) {  // told with the first report; a recorder does not stay down for that
  }
  keeps_status_ = true;
}

void Daemon::run() {
  wait_for_signal();
  try {
    claim();
  } catch (...) {
    about_.state = "stopped";
    write_status(status_text());
    throw;
  }
  status_quiet_.flush();
  if (stopping_) {
    about_.state = "stopped";
    about_.problem.clear();
    report_status();
    log_->info("end");
    return;
  }
  go_on();
  log_->info("start version=\"{}\" sources={} directory={}", options_.version, inputs_.size(), config_.output.directory.string());
  about_.state = "recording";
  report_status();
  boost::asio::post(io_, [this] {
    tick_io();
    if (!config_.clocks.empty()) {
      take_host_clock({}, "");
      host_clocks_.emplace(io_, config_.clocks, [this](const auto& clock, const auto& news) { take_host_clock(clock, news); });
      host_clocks_->start();
    }
    for (auto& input : inputs_) input.source->start();
  });
  // Signals belong to the main thread: the others are started with all of them blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  writer_thread_ = std::jthread{[this] { guarded("mth5-writer", writer_stage_, [this] { recorder_.run(); }); }};
  io_thread_ = std::jthread{[this] { guarded("mth5-io", io_stage_, [this] { io_.run(); }); }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  tick_status();
  if (!told_ready_) service_manager_.tell_surely("READY=1");  // whether an instrument is there is no matter of the service

  main_.run();
  io_thread_.join();
  writer_thread_.join();
  about_.state = "stopped";
  report_status();
  if (failure_) std::rethrow_exception(failure_);
  if (!stopping_) throw_if_unread();  // who was told to stop has not failed
  log_->info("end");
}

/// Who started the daemon by hand wants to know at once that it cannot record. A service manager would start it again and again,
/// with lines of its own each time, and a boot would wait for it: as a service it stays, says why, and tries again.
void Daemon::claim() {
  auto pause = kFirstPause;
  for (;;) {
    try {
      keep_status_file();
      service_manager_.tell("STATUS=looking at what is in " + config_.output.directory.string());
      recorder_.claim(
          [this] {
            main_.poll();  // signals are answered also while a file takes its time
            return stopping_;
          },
          [this](const std::string& what) { take_time(what); });
      about_.state = "starting";
      about_.problem.clear();
      return;
    } catch (const mth5::Error& e) {
      if (!service_manager_.is_there()) throw;
      wait_for_output(e.what(), pause);
      if (stopping_) return;
      pause = std::min(2 * pause, kLongestPause);
    }
  }
}

void Daemon::wait_for_output(const std::string& problem, std::chrono::seconds pause) {
  status_quiet_.say(spdlog::level::err, problem,
                    problem +
                        "; nothing is recorded until then, tried again after 1 s, later each minute; a reload (signal HUP) "
                        "tries at once");
  about_.state = "no-output";
  about_.problem = problem;
  if (!std::exchange(told_ready_, true)) service_manager_.tell_surely("READY=1");
  try_at_once_ = false;
  for (const auto until = mth5::steady_now() + pause; !stopping_ && !try_at_once_ && mth5::steady_now() < until;) {
    report_status();
    if (watchdog_period_) service_manager_.tell("WATCHDOG=1");
    main_.run_one_for(kTellEvery);
  }
}

/// A recovery that takes longer than TimeoutStartSec is not ended while it comes further, and is when it does not.
void Daemon::take_time(const std::string& what) {
  const auto now = mth5::steady_now();
  if (now < time_taken_ + kTellEvery) return;
  time_taken_ = now;
  if (told_ready_ && watchdog_period_) service_manager_.tell("WATCHDOG=1");
  service_manager_.tell(fmt::format("EXTEND_TIMEOUT_USEC={}\nSTATUS={}", std::chrono::microseconds{kMoreTime}.count(), what));
}

/// From where the daemon before has come to.
void Daemon::go_on() {
  recorder_.set_on_durable([this](const std::vector<daq::ledger::Durable>& positions) {
    boost::asio::post(io_, [this, positions] {
      for (const auto& position : positions) inputs_[streams_.at(position.stream).source].source->durable(position);
    });
  });
  const auto* found = recorder_.found();
  if (found == nullptr) return;
  for (const auto& position : found->positions(streams_)) {
    const auto& stream = streams_.at(position.stream);
    const auto& source = config_.sources[stream.source];
    if (source.commands.ask_for_durable() || std::holds_alternative<daq::config::SeedLink>(source.input) ||
        std::holds_alternative<daq::config::Http>(source.input))
      log_->info("going on stream={} token={} time={}", stream.name, position.token, mth5::to_iso(position.time));
    inputs_[stream.source].source->durable(position);
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const auto& stream = streams_.at(i);
    for (const auto& tail : daq::recorder::tails_of(*found, stream))
      inputs_[stream.source].intake->remember(i, tail.start, tail.end, tail.values, tail.unsure_s);
  }
}

void Daemon::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    wait_for_signal();
    if (signal == SIGUSR1) {
      log_->info("status {}",
                 daq::status::to_line(daq::status::to_json(board_.copy(), recorder_.state(), receipts_, ring_, about_)));
    } else if (signal == SIGHUP) {
      log_->info("new file wanted signal=HUP");
      reload();
    } else {
      ordered_to_stop(signal);
    }
  });
}

/// The next file begins whatever the configuration says now: a file that is wrong must not end what was right.
void Daemon::reload() {
  try_at_once_ = true;
  const auto next = options_.load();
  if (!next.config) {
    for (const auto& finding : next.findings)
      log_->warn("configuration not taken: {}; recording goes on as before", finding.text());
    return recorder_.begin_new_file();
  }
  const auto changes = daq::config::take_changes(running_, options_.effective, next);
  options_.effective = changes.running;
  for (const auto& line : changes.taken) log_->info("configuration changed {}", line);
  for (const auto& line : changes.left) log_->warn("configuration not taken {}; start mth5d again for it", line);
  if (changes.taken.empty() && changes.left.empty()) log_->info("configuration unchanged");
  recorder_.begin_new_file(changes.taken.empty() ? std::nullopt : std::optional{running_});
}

void Daemon::ordered_to_stop(int signal) {
  const auto now = mth5::steady_now();
  const std::string name = signal == SIGTERM ? "signal=TERM" : "signal=INT";
  if (!stopping_) {
    stop_signal_ = signal;
    stop_ordered_ = now;
    return stop(name.c_str());
  }
  if (signal == stop_signal_ && now < stop_ordered_ + kSameOrder) return;
  log_->warn("leaving at once {}: {}", name, left_behind());
  cli::leave(130, std::chrono::milliseconds{100});
}

std::string Daemon::left_behind() const {
  const auto [received, settled] = progress_of(board_.copy(), recorder_.state());
  return fmt::format(
      "{} samples wait in memory and are not stored; a file that is open is left so and needs no repair to be read",
      received - std::min(received, settled));
}

void Daemon::stop(const char* why) {
  if (std::exchange(stopping_, true)) return;
  log_->info("stopping {}", why);
  about_.state = "stopping";
  service_manager_.tell_surely("STOPPING=1");
  recorder_.end(mth5::steady_now() + kWriteLimit);
  boost::asio::post(io_, [this] {
    for (auto& input : inputs_)
      if (!input.ended) input.source->stop();
  });
  drain_timer_.expires_after(kDrainLimit);
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    log_->error("stopping took too long limit={}s, leaving: {}", kDrainLimit.count(), left_behind());
    cli::leave(1);
  });
}

void Daemon::stage_ended(const char* stage, std::exception_ptr failure) {
  if (failure && !failure_) {
    failure_ = failure;
    log_->error("stage failed stage={}", stage);
  }
  const bool writer = std::string_view{stage} == "mth5-writer";
  if (!writer && !failure) return;  // the writer is the last
  if (failure) {
    io_.stop();
    ring_.close();
  }
  signals_.cancel();
  status_timer_.cancel();
  drain_timer_.cancel();
  main_.stop();
}

void Daemon::tick_status() {
  status_timer_.expires_after(std::chrono::seconds{1});
  status_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    report_status();
    tick_status();
  });
}

void Daemon::feed_watchdog(const daq::status::Board::Copy& board, const daq::recorder::State& recorded) {
  daq::status::Watchdog::Seen seen{.now = mth5::steady_now(),
                                   .io = io_stage_.turn(io_turned_),
                                   .writer = writer_stage_.turn(recorder_.turned()),
                                   .outage = !recorded.outage.empty()};
  std::tie(seen.received, seen.settled) = progress_of(board, recorded);
  const auto problem = watchdog_.look(seen, watchdog_period_.value_or(kHangs) + 3 * running_.flush_interval);
  if (problem.empty() && watchdog_period_) service_manager_.tell("WATCHDOG=1");
  if (problem.empty() == !hangs_) return;
  hangs_ = !problem.empty();
  if (hangs_)
    log_->error("{}{}", problem,
                watchdog_period_ ? "; systemd is not told any more that all is well, and will start mth5d again" : "");
  else
    log_->info("all threads come round again");
}

void Daemon::report_status() {
  about_.log_dropped = cli::dropped_stderr_lines();
  const auto recorded = recorder_.state();
  const auto board = board_.copy();
  if (about_.state != "starting" && about_.state != "no-output" && about_.state != "stopped") feed_watchdog(board, recorded);
  const auto status = daq::status::to_json(board, recorded, receipts_, ring_, about_);
  service_manager_.tell("STATUS=" + daq::status::to_line(status));
  if (recorded.call_began != Steady::time_point{} && recorded.call_began != warned_call_ &&
      mth5::steady_now() > recorded.call_began + kSlowCall) {
    warned_call_ = recorded.call_began;
    log_->warn("slow disk or busy machine: a write has been under way for more than {} s; samples wait in the ring",
               kSlowCall.count());
  }
  status_quiet_.tick();
  write_status(status.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void Daemon::write_status(const std::string& text) {
  if (!keeps_status_) return;
  try {
    status_file_.write(text);
  } catch (const mth5::Error& e) {
    status_quiet_.say(spdlog::level::warn, "status", fmt::format("no status file: {}; recording goes on, retry=1s", e.what()));
  }
}

}  // namespace mth5d
