#include "acquisition/source/host_clock.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <system_error>

#include <fmt/format.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "acquisition/config/report.hpp"
#include "acquisition/ledger/clock_now.hpp"
#include "acquisition/source/source.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/printable.hpp"

namespace daq::source {

namespace {

using boost::system::error_code;
using std::chrono::seconds;

/// "0.4 ms", "12 us", "1.5 s"
std::string span_text(double s) {
  const double size = std::abs(s);
  if (size < 1e-3) return fmt::format("{:.3g} us", 1e6 * s);
  if (size < 1) return fmt::format("{:.3g} ms", 1e3 * s);
  return fmt::format("{:.4g} s", s);
}

double seconds_of(mth5::Nanos t) { return std::chrono::duration<double>(t).count(); }

std::optional<double> number(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? std::optional{found->get<double>()} : std::nullopt;
}

bool fresh(const std::optional<mth5::UtcNanos>& at, mth5::UtcNanos now) {
  return at && std::chrono::abs(now - *at) <= seconds{10};
}

/// clock - real of a TOFF or PPS, s.
std::optional<double> offset_of(const nlohmann::json& object) {
  const auto real_s = number(object, "real_sec"), real_ns = number(object, "real_nsec");
  const auto clock_s = number(object, "clock_sec"), clock_ns = number(object, "clock_nsec");
  if (!real_s || !real_ns || !clock_s || !clock_ns) return std::nullopt;
  return (*clock_s - *real_s) + 1e-9 * (*clock_ns - *real_ns);
}

}  // namespace

std::optional<HostClock> GpsdReader::line(std::string_view line, mth5::UtcNanos arrival) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto name = json.value("class", nlohmann::json{});
  const auto is = [&](const char* wanted) { return name.is_string() && name.get_ref<const std::string&>() == wanted; };
  // Its message comes up to a second behind the time in it (gpsd_json(5): PPS), nobody knows how much.
  constexpr double kLatest = 1;
  const auto take_times = [&](double late) { times_ = Offset{late - kLatest / 2, kLatest / 2, arrival}; };
  if (is("TPV")) {
    mode_ = static_cast<int>(std::clamp(number(json, "mode").value_or(0), 0.0, 3.0));
    const auto time = json.value("time", nlohmann::json{});
    // A TOFF is the same, taken nearer to the first byte.
    if (mode_ >= 2 && time.is_string() && !fresh(toff_, arrival))
      if (const auto utc = mth5::parse_time(time.get_ref<const std::string&>())) take_times(seconds_of(arrival - *utc));
  } else if (is("SKY")) {
    if (const auto used = number(json, "uSat")) satellites_ = static_cast<int>(std::clamp(*used, 0.0, 999.0));
    return std::nullopt;
  } else if (is("PPS")) {
    if (const auto offset = offset_of(json))
      pulse_ = Offset{*offset, std::exp2(std::clamp(number(json, "precision").value_or(-20), -30.0, 0.0)), arrival};
  } else if (is("TOFF")) {
    if (const auto offset = offset_of(json)) {
      take_times(*offset);
      toff_ = arrival;
    }
  } else {
    return std::nullopt;
  }
  return judged(arrival);
}

HostClock GpsdReader::judged(mth5::UtcNanos now) const {
  if (mode_ < 2) return {.says = "gpsd: no fix"};
  const auto is_fresh = [&](const std::optional<Offset>& offset) { return offset && fresh(offset->at, now); };
  const auto& best = is_fresh(pulse_) ? pulse_ : times_;
  if (!is_fresh(best)) return {.says = "gpsd: a fix and no time"};
  const auto satellites = satellites_ < 0 ? "" : fmt::format(", {} satellites", satellites_);
  return {.known_to_s = std::abs(best->s) + best->unsure_s,
          .says = fmt::format("gpsd: fix in {} dimensions{}, {} {} +- {}", mode_, satellites,
                              &best == &pulse_ ? "by the pulse the clock is off by" : "by times alone the clock is off by",
                              span_text(best->s), span_text(best->unsure_s))};
}

HostClock read_tracking(std::string_view line) {
  constexpr std::size_t kFields = 14;
  std::vector<std::string_view> fields;
  line = line.substr(0, line.find_first_of("\r\n"));
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find(',', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  if (fields.size() != kFields)
    return {.says = "chrony: " + (line.empty() ? "chronyc says nothing" : mth5::printable(line.substr(0, 100)))};
  const auto value = [&](std::size_t i) { return config::parse_number(fields[i]); };
  const auto offset = value(4), delay = value(10), dispersion = value(11);
  if (!offset || !delay || !dispersion) return {.says = "chrony: no figures in " + mth5::printable(line.substr(0, 100))};
  if (fields[13] == "Not synchronised") return {.says = "chrony: not synchronised"};
  // 127.127.1.1: chrony.conf says `local`, and no server is heard.
  if (fields[0] == "7F7F0101") return {.says = "chrony: follows nobody but this computer's own clock"};
  return {.known_to_s = std::abs(*offset) + *delay / 2 + *dispersion,
          .says = fmt::format("chrony: stratum {} by {}, off by {}", mth5::printable(fields[2].substr(0, 10)),
                              mth5::printable(fields[fields[1].empty() ? 0 : 1].substr(0, 60)), span_text(*offset))};
}

/// One that is asked.
class HostClocks::Asked {
 public:
  using Heard = std::function<void(HostClock)>;
  explicit Asked(Heard heard) : heard_{std::move(heard)} {}
  virtual ~Asked() = default;
  virtual void start() = 0;
  virtual void stop() = 0;

 protected:
  const Heard heard_;
};

class HostClocks::Gpsd final : public Asked {
 public:
  Gpsd(boost::asio::io_context& io, const config::ClockSource& source, const config::Gpsd& gpsd, Heard heard)
      : Asked{std::move(heard)}, config_{as_source(source, gpsd)} {
    Listener listener;
    listener.bytes = [this](const decode::Chunk& chunk) { take(chunk); };
    listener.connected = [this] { begin_anew(); };
    listener.disconnected = [this](const std::string& reason, bool) { heard_({.says = "gpsd: " + reason}); };
    listener.ended = [] {};
    listener.has_room = [](std::size_t) { return true; };
    listener.wrote = [](std::size_t, std::size_t) {};
    source_ = make_source(io, config_, false, std::move(listener));
  }
  void start() override { source_->start(); }
  void stop() override { source_->stop(); }

 private:
  static config::Source as_source(const config::ClockSource& source, const config::Gpsd& gpsd) {
    config::Source as;
    as.name = source.name;
    as.input = config::Tcp{gpsd.host, gpsd.port};
    as.idle_timeout = source.idle_timeout;
    as.reconnect_first = source.reconnect_first;
    as.reconnect_limit = source.reconnect_limit;
    as.commands.start.emplace_back().send = config::CommandBytes{"?WATCH={{\"enable\":true,\"json\":true,\"pps\":true}};\\n"};
    return as;
  }
  void begin_anew() {
    reader_ = {};
    line_.clear();
  }
  void take(const decode::Chunk& chunk) {
    constexpr std::size_t kLongest = 16384;  // SKY of all satellites that there are has 4 kB
    for (const char c : chunk.bytes) {
      if (c != '\n') {
        if (line_.size() < kLongest) line_ += c;
        continue;
      }
      if (auto clock = reader_.line(line_, chunk.arrival)) heard_(std::move(*clock));
      line_.clear();
    }
  }

  const config::Source config_;
  std::unique_ptr<Source> source_;
  GpsdReader reader_;
  std::string line_;
};

/// Runs `chronyc` again and again: what it prints is the documented way to chronyd.
class HostClocks::Chrony final : public Asked {
 public:
  Chrony(boost::asio::io_context& io, const config::ClockSource& source, const config::Chrony& chrony, Heard heard)
      : Asked{std::move(heard)}, every_{chrony.every}, patience_{source.idle_timeout}, timer_{io}, output_{io} {}
  ~Chrony() override { end_child(); }
  void start() override { ask(); }
  void stop() override {
    stopped_ = true;
    timer_.cancel();
    error_code ignored;
    output_.close(ignored);
    end_child();
  }

 private:
  void ask() {
    text_.clear();
    end_child();
    if (const auto problem = begin_child(); !problem.empty()) {
      heard_({.says = "chrony: " + problem});
      return wait(every_, [this] { ask(); });
    }
    wait(patience_, [this] {
      error_code ignored;
      output_.close(ignored);
      heard_({.says = "chrony: chronyc does not answer"});
      ask();
    });
    read();
  }

  template <class Then>
  void wait(std::chrono::nanoseconds pause, Then then) {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(pause));
    timer_.async_wait([this, then](const error_code& error) {
      if (!error && !stopped_) then();
    });
  }

  /// @returns what is wrong
  std::string begin_child() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::generic_category().message(errno);
    mth5::Descriptor read_end{ends[0]}, write_end{ends[1]};
    fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDERR_FILENO);
    // Our threads block signals and ignore SIGPIPE; a child would, too.
    sigset_t none, pipe_signal;
    sigemptyset(&none);
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    std::array<std::string, 4> words{"chronyc", "-c", "-n", "tracking"};
    std::array<char*, 5> argv{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    const int error = posix_spawnp(&child_, words[0].c_str(), &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      child_ = -1;
      return error == ENOENT ? "there is no program chronyc; install chrony"
                             : "chronyc: " + std::generic_category().message(error);
    }
    output_.assign(read_end.release());
    return "";
  }

  void end_child() {
    if (child_ < 0) return;
    if (waitpid(child_, nullptr, WNOHANG) == 0) {
      kill(child_, SIGKILL);
      left_.push_back(child_);
    }
    child_ = -1;
    std::erase_if(left_, [](pid_t child) { return waitpid(child, nullptr, WNOHANG) != 0; });
  }

  void read() {
    output_.async_read_some(boost::asio::buffer(buffer_), [this](const error_code& error, std::size_t n) {
      if (stopped_ || error == boost::asio::error::operation_aborted) return;
      constexpr std::size_t kLongest = 4096;
      text_.append(buffer_.data(), std::min(n, kLongest - std::min(kLongest, text_.size())));
      if (!error) return read();
      error_code ignored;
      output_.close(ignored);
      heard_(read_tracking(text_));
      wait(every_, [this] { ask(); });
    });
  }

  const std::chrono::nanoseconds every_, patience_;
  boost::asio::steady_timer timer_;
  boost::asio::posix::stream_descriptor output_;
  std::array<char, 512> buffer_{};
  std::string text_;
  pid_t child_ = -1;
  std::vector<pid_t> left_;  ///< killed, and not gone yet
  bool stopped_ = false;
};

HostClocks::HostClocks(boost::asio::io_context& io, const std::vector<config::ClockSource>& sources, Told told)
    : sources_{sources}, told_{std::move(told)}, known_(sources.size()), heard_(sources.size()) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto heard = [this, i](HostClock clock) { this->heard(i, std::move(clock)); };
    if (const auto* gpsd = std::get_if<config::Gpsd>(&sources[i].from))
      asked_.push_back(std::make_unique<Gpsd>(io, sources[i], *gpsd, heard));
    else
      asked_.push_back(std::make_unique<Chrony>(io, sources[i], std::get<config::Chrony>(sources[i].from), heard));
  }
}

HostClocks::~HostClocks() = default;

void HostClocks::start() {
  for (auto& one : asked_) one->start();
}

void HostClocks::stop() {
  told_ = {};
  for (auto& one : asked_) one->stop();
}

void HostClocks::heard(std::size_t index, HostClock clock) {
  if (!told_) return;
  known_[index] = std::move(clock);
  heard_[index] = true;
  const auto best = static_cast<std::size_t>(
      std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) { return a.known_to_s < b.known_to_s; }) -
      known_.begin());
  HostClock now{known_[best].known_to_s, {}};
  std::string kind;
  if (now.is_known()) {
    now.says = sources_[best].name + ": " + known_[best].says;
    kind = now.known_to_s <= ledger::kGoodArrivals ? "good" : "coarse";
  } else {
    for (std::size_t i = 0; i < known_.size(); ++i) now.says += (i == 0 ? "" : "; ") + sources_[i].name + ": " + known_[i].says;
    kind = now.says;
  }
  const bool early = !now.is_known() && std::find(heard_.begin(), heard_.end(), false) != heard_.end();
  std::string log;
  if (!early && kind != std::exchange(last_log_, kind))
    log = now.is_known() ? "clock of this computer known to " + span_text(now.known_to_s) + " (" + now.says + ")"
                         : "clock of this computer not known (" + now.says + ")";
  told_(now, log);
}

}  // namespace daq::source
