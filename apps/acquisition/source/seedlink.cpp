#include "acquisition/source/seedlink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace daq::source {

namespace {

constexpr std::size_t kUsualRecord = 512;     // bytes, where a record does not say its length
constexpr std::size_t kLongestAnswer = 8192;  // bytes of a line before the stream
constexpr std::size_t kHeader3 = 8, kHeader4 = 17;
constexpr std::uint64_t kModulus3 = std::uint64_t{1} << 24;
constexpr std::uint64_t kNoNumber = ~std::uint64_t{0};  // as version 4 says that there is none
constexpr double kSameRate = 0.01;                      // of the rate
constexpr std::size_t kMostKnown = 4096;                // stations, and channels, that are remembered: any server has fewer
constexpr std::chrono::hours kClockWasSet{1};           // back by more: what came before is no measure any more

std::uint64_t little(std::string_view bytes) {
  std::uint64_t value = 0;
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at) value = value << 8 | static_cast<unsigned char>(*at);
  return value;
}

std::string commas(mth5::UtcNanos time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  return fmt::format("{},{},{},{},{},{}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

mth5::UtcNanos end_of(const decode::RecordHeader& header) {
  return mth5::sample_time(header.start, header.rate_hz, static_cast<std::int64_t>(header.n_samples));
}

/// Whether it can stand in a token.
bool is_name(std::string_view station) {
  return !station.empty() && station.size() <= 64 &&
         std::all_of(station.begin(), station.end(), [](char c) { return c > ' ' && c <= '~' && c != '='; });
}

/// "XX_MT01:LFE LFN" in its parts.
struct Wanted {
  std::string station;
  std::vector<std::string> selectors;
};
Wanted parts_of(std::string_view text) {
  Wanted wanted{std::string{text.substr(0, text.find(':'))}, {}};
  text.remove_prefix(std::min(text.size(), wanted.station.size() + 1));
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    if (!word.empty()) wanted.selectors.emplace_back(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return wanted;
}

/// A selector in the words of version 4: "00LFE" is "00_L_F_E".
std::string selector_4(std::string_view selector) {
  std::string all;
  if (selector.starts_with('!')) {
    all = "!";
    selector.remove_prefix(1);
  }
  const auto location = selector.size() == 5 ? selector.substr(0, 2) : "*";
  if (location != "--") all += location;
  for (const char c : selector.substr(selector.size() == 5 ? 2 : 0)) (all += '_') += c;
  return all;
}

}  // namespace

SeedLink::SeedLink(const config::SeedLink& target, double rate_hz, std::chrono::nanoseconds idle_timeout)
    : target_{target}, name_{to_string(config::Input{target})}, rate_hz_{rate_hz}, keepalive_{idle_timeout / kAsked} {}

Protocol::Answer SeedLink::fail(std::string reason) const { return {.failed = name_ + ": " + std::move(reason)}; }

void SeedLink::durable(const ledger::Durable& position) {
  if (!stations_.empty() || !channels_.empty()) return;  // what came since is newer
  found_ = position;
  std::string_view rest = position.token;
  while (!rest.empty()) {
    const auto one = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const auto equals = one.find('=');
    if (equals == one.npos) continue;
    std::uint64_t number = 0;
    const auto digits = one.substr(equals + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) stations_[std::string{one.substr(0, equals)}].last = number;
  }
}

std::string SeedLink::token() const {
  std::string all;
  for (const auto& [station, one] : stations_) {
    const auto text = station + '=' + std::to_string(one.last);
    if (one.last == 0 || all.size() + 1 + text.size() > ledger::kLongestToken) continue;  // it goes on by time
    all += (all.empty() ? "" : " ") + text;
  }
  return all;
}

Protocol::Answer SeedLink::connected(Time now) {
  phase_ = Phase::Greeting;
  version_ = 3;
  n_refused_ = 0;
  greeting_.clear();
  commands_.clear();
  held_.clear();
  to_skip_ = 0;
  last_packet_ = last_heard_ = now;
  resumed_by_time_ = false;
  for (auto& [id, channel] : channels_) channel.seen_here = false;
  for (auto& [name, station] : stations_) station.resumed = false;
  return {.send = "HELLO\r\n"};
}

void SeedLink::disconnected() {
  if (n_again_ > 0)
    news_.push_back(name_ + ": " + std::to_string(n_again_) +
                    (n_again_ == 1 ? " record came again, and was left out" : " records came again, and were left out"));
  n_again_ = 0;
}

std::vector<std::string> SeedLink::take_news() { return std::exchange(news_, {}); }

Protocol::Answer SeedLink::due(Time now) {
  if (phase_ == Phase::Streaming && now - last_packet_ >= target_.silence) {
    return ask_by_time("no packet for " + config::format_duration(target_.silence) + " (seedlink.silence)");
  }
  if (phase_ != Phase::Streaming || now - last_heard_ < keepalive_) return {};
  last_heard_ = now;  // asked once, and again when that long ago
  return {.send = "INFO ID\r\n"};
}

Protocol::Answer SeedLink::received(std::span<const char> bytes, Time now, const Give& give) {
  held_.append(bytes.data(), bytes.size());
  last_heard_ = now;
  Answer answer;
  std::size_t at = 0;
  while (answer.failed.empty() && at < held_.size()) {
    const std::string_view rest = std::string_view{held_}.substr(at);
    if (phase_ != Phase::Streaming) {
      const auto end = rest.find('\n');
      if (end == rest.npos) {
        if (rest.size() > kLongestAnswer) answer = fail("sends no line where a SeedLink server would; check host and port");
        break;
      }
      at += end + 1;
      auto line = rest.substr(0, end);
      while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      const auto said = take_line(line);
      answer.send += said.send;
      answer.failed = said.failed;
      continue;
    }
    const auto skipped = std::min(to_skip_, rest.size());
    to_skip_ -= skipped;
    at += skipped;
    if (skipped > 0) continue;
    const auto n = take_packet(rest, give, answer);
    if (n == 0) break;
    at += n;
  }
  held_.erase(0, at);
  return answer;
}

Protocol::Answer SeedLink::take_line(std::string_view line) {
  if (phase_ == Phase::Greeting) {
    if (greeting_.empty()) {
      if (!line.starts_with("SeedLink")) return fail("is no SeedLink server: it says '" + std::string{line.substr(0, 60)} + "'");
      greeting_ = line;
      return {};
    }
    return greeted();  // the second line is its site
  }
  if (line == "OK") {
    commands_.erase(commands_.begin());
    return next_command();
  }
  if (line.starts_with("ERROR")) return refused(line);
  return fail("answers '" + std::string{line.substr(0, 60)} + "' to " + commands_.front());
}

Protocol::Answer SeedLink::greeted() {
  const bool has_4 = greeting_.find("SLPROTO:4.") != std::string::npos;
  if (target_.protocol == "4" && !has_4) return fail("does not offer SeedLink 4 (seedlink.protocol)");
  version_ = has_4 && target_.protocol != "3" ? 4 : 3;
  phase_ = Phase::Asking;
  if (version_ == 4) commands_ = {"SLPROTO 4.0"};
  ask_for_streams();
  return {.send = commands_.front() + "\r\n"};
}

void SeedLink::ask_for_streams() {
  const auto time = resume_time();
  const auto has_no_number = [this](const std::string& text) {
    const auto known = stations_.find(parts_of(text).station);
    return known == stations_.end() || known->second.last == 0;
  };
  resumed_by_time_ =
      time && (std::exchange(by_time_, false) || std::any_of(target_.streams.begin(), target_.streams.end(), has_no_number));
  for (const auto& text : target_.streams) {
    const auto wanted = parts_of(text);
    const auto bar = wanted.station.find('_');
    const auto network = wanted.station.substr(0, bar), station = wanted.station.substr(bar + 1);
    commands_.push_back(version_ == 4 ? "STATION " + wanted.station : "STATION " + station + ' ' + network);
    for (const auto& selector : wanted.selectors)
      commands_.push_back("SELECT " + (version_ == 4 ? selector_4(selector) : selector));
    commands_.push_back(resumed_by_time_ ? (version_ == 4 ? "DATA ALL " + mth5::to_iso(*time) : "TIME " + commas(*time))
                                         : start_command(wanted.station));
  }
}

std::string SeedLink::start_command(const std::string& station) {
  const auto known = stations_.find(station);
  if (known == stations_.end() || known->second.last == 0) return "DATA";
  known->second.resumed = true;
  return version_ == 4 ? "DATA " + std::to_string(known->second.last + 1)
                       : fmt::format("DATA {:06X}", (known->second.last + 1) % kModulus3);
}

std::optional<mth5::UtcNanos> SeedLink::resume_time() const {
  // What a channel lacks of what others have; one that fell silent long ago asks for nothing.
  constexpr std::chrono::hours kStillThere{1};
  std::optional<mth5::UtcNanos> newest, from;
  for (const auto& [id, channel] : channels_) newest = std::max(newest.value_or(channel.end), channel.end);
  for (const auto& [id, channel] : channels_)
    if (channel.end + kStillThere >= *newest) from = std::min(from.value_or(channel.end), channel.end);
  if (!from && found_) from = found_->time;
  return from;
}

Protocol::Answer SeedLink::refused(std::string_view line) {
  const auto command = commands_.front();
  const std::string what{line.substr(0, 80)};
  if (command.starts_with("STATION")) {
    // Others may be known; up to the next one nothing can be asked for.
    news_.push_back(name_ + ": answers " + what + " to " + command);
    commands_.erase(commands_.begin());
    while (!commands_.empty() && !commands_.front().starts_with("STATION")) commands_.erase(commands_.begin());
    if (++n_refused_ == target_.streams.size()) return fail("knows none of the stations (seedlink.streams): " + what);
    return next_command();
  }
  if (command == "DATA" || command.starts_with("SELECT") || command.starts_with("SLPROTO"))
    return fail("answers " + what + " to " + command);
  news_.push_back(name_ + ": answers " + what + " to " + command + "; asked for what is new only");
  for (auto& [name, station] : stations_) station.resumed = false;
  commands_.front() = "DATA";
  return {.send = "DATA\r\n"};
}

Protocol::Answer SeedLink::next_command() {
  if (!commands_.empty()) return {.send = commands_.front() + "\r\n"};
  phase_ = Phase::Streaming;
  return {.send = "END\r\n"};
}

std::size_t SeedLink::take_packet(std::span<const char> bytes, const Give& give, Answer& answer) {
  const std::string_view text{bytes.data(), bytes.size()};
  const auto begins = [&](std::string_view word) { return word.starts_with(text.substr(0, word.size())); };
  if (text.starts_with("END")) {
    answer = fail("has ended the stream");
    return 3;
  }
  if (text.starts_with("ERROR")) {
    answer = fail("answers ERROR to the streams that were asked for");
    return 5;
  }
  if (text.starts_with("SL") && version_ == 3) return take_packet_3(bytes, give, answer);
  if (text.starts_with("SE") && version_ == 4) return take_packet_4(bytes, give, answer);
  if (text.starts_with("OK\r\n")) return 4;  // to an INFO
  if (text.size() < 5 && (begins("SL") || begins("SE") || begins("END") || begins("ERROR") || begins("OK\r\n"))) return 0;
  answer = fail("sends no packet where one should begin");
  return 0;
}

std::size_t SeedLink::take_packet_3(std::span<const char> bytes, const Give& give, Answer& answer) {
  if (bytes.size() < kHeader3 + decode::kLeastRecord) return 0;
  const auto record = bytes.subspan(kHeader3);
  // Where the length does not stand in the least that a record has, it may do so behind it. However the stream is cut.
  auto header = decode::read_record_header(record.first(decode::kLeastRecord));
  if (!header || !header->bytes) {
    if (record.size() < kUsualRecord) return 0;
    header = decode::read_record_header(record.first(kUsualRecord));
  }
  const auto length = header && header->bytes ? *header->bytes : kUsualRecord;
  if (length > decode::kMostRecord) {
    answer = fail("sends a record of " + std::to_string(length) + " bytes (at most " + std::to_string(decode::kMostRecord) + ")");
    return 0;
  }
  if (record.size() < length) return 0;
  const std::string_view digits{bytes.data() + 2, 6};
  if (digits.starts_with("INFO")) return kHeader3 + length;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    answer = fail("sends a packet without a number");
    return 0;
  }
  last_packet_ = last_heard_;
  take_record(record.first(length), header ? header->network + '_' + header->station : "", number, give, answer);
  return kHeader3 + length;
}

std::size_t SeedLink::take_packet_4(std::span<const char> bytes, const Give& give, Answer& answer) {
  const std::string_view text{bytes.data(), bytes.size()};
  if (text.size() < kHeader4) return 0;
  const auto length = little(text.substr(4, 4)), number = little(text.substr(8, 8));
  const auto id = static_cast<std::size_t>(static_cast<unsigned char>(text[16]));
  if (text[2] != '2' || text[3] != 'D' || length > decode::kMostRecord) {
    if (text[2] == '2' && text[3] == 'D')
      news_.push_back(name_ + ": a record of " + std::to_string(length) + " bytes is left out (at most " +
                      std::to_string(decode::kMostRecord) + ")");
    to_skip_ = static_cast<std::size_t>(length) + id;
    return kHeader4;
  }
  if (text.size() < kHeader4 + id + length) return 0;
  last_packet_ = last_heard_;
  take_record(bytes.subspan(kHeader4 + id, static_cast<std::size_t>(length)), std::string{text.substr(kHeader4, id)}, number,
              give, answer);
  return kHeader4 + id + static_cast<std::size_t>(length);
}

bool SeedLink::goes_on(const decode::RecordHeader& header, Answer& answer) {
  if (header.n_samples == 0 || std::abs(header.rate_hz - rate_hz_) > kSameRate * rate_hz_) return true;
  if (channels_.size() >= kMostKnown && !channels_.contains(header.id())) return true;
  const mth5::Nanos sample{std::llround(1e9 / header.rate_hz)};
  const auto end = end_of(header);
  const auto [at, fresh] =
      channels_.try_emplace(header.id(), Channel{found_ ? found_->stored : header.start, found_.has_value()});
  auto& channel = at->second;
  if (!channel.seen_here && (!fresh || channel.from_file)) {
    // By number, what is behind the token and stored all the same; before it may be what the station sent late.
    const bool may_be_again = resumed_by_time_ || (channel.from_file && end > found_->time);
    if (may_be_again && end <= channel.end + sample / 2) {
      ++n_again_;
      return false;
    }
    const auto later = header.start - channel.end;
    if (!resumed_by_time_ && later > sample / 2) {
      answer = ask_by_time(header.id() + " goes on " + config::format_duration(later) + " later than it ended");
      return false;
    }
  }
  channel.seen_here = true;
  channel.from_file = false;
  if (fresh || end > channel.end || header.start < channel.end - kClockWasSet) channel.end = end;
  return true;
}

void SeedLink::take_record(std::span<const char> record, const std::string& name, std::uint64_t number, const Give& give,
                           Answer& answer) {
  // A name that would be two words of a token, or that nobody asked for among thousands, goes on by time.
  Station unknown;
  const bool kept = is_name(name) && (stations_.contains(name) || stations_.size() < kMostKnown);
  auto& station = kept ? stations_[name] : unknown;
  if (std::exchange(station.resumed, false)) {
    const auto modulus = version_ == 3 ? kModulus3 : std::uint64_t{0};
    const auto ahead = version_ == 3 ? (number - station.last) % modulus : number - station.last;
    if (ahead == 0 || ahead >= (version_ == 3 ? modulus / 2 : std::uint64_t{1} << 63)) {
      answer = ask_by_time("the number of its packets went back from " + std::to_string(station.last) + " to " +
                           std::to_string(number));
      return;
    }
  }
  const auto header = decode::read_record_header(record);
  const bool give_on = !header || goes_on(*header, answer);
  if (!answer.failed.empty()) return;
  station.last = number == kNoNumber ? 0 : number;
  if (give_on) give(record, token());
}

Protocol::Answer SeedLink::ask_by_time(const std::string& why) {
  by_time_ = true;
  return fail(why + ": it is asked again, by time");
}

}  // namespace daq::source
