#include "acquisition/source/atss.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <boost/beast/core/string.hpp>

#include "acquisition/config/report.hpp"
#include "acquisition/decode/atss.hpp"
#include "mth5/printable.hpp"

namespace daq::source {

namespace {

constexpr std::size_t kLongestListing = 4u << 20, kLongestJson = 1u << 20, kLongestOther = 64u << 10;  // bytes
constexpr std::chrono::minutes kListEvery{1};
constexpr int kQuietRounds = 10;                    // a run that has rested for so many is done when there is a later one
constexpr std::chrono::minutes kAskRangeEvery{10};  // of a server that has ignored it
constexpr std::chrono::minutes kBehind{1};
constexpr std::chrono::seconds kSameBox{5};  // no box starts anew so soon
constexpr int kListingsTold = 2;             // of files that lack a channel
constexpr std::string_view kWanted =
    R"(<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><getcontentlength/></prop></propfind>)";

/// By number, in the order in which a box makes them.
bool is_earlier(const std::string& a, const std::string& b) {
  const auto number = [](const std::string& name) { return run_number(name).value_or(0); };
  return std::pair{number(a), a} < std::pair{number(b), b};
}

/// Of WWW-Authenticate: "Digest realm=..., Basic realm=...".
bool offers_basic(std::string_view ways) {
  for (std::size_t at = 0; at + 5 <= ways.size(); ++at)
    if (boost::beast::iequals(boost::string_view{ways.data() + at, 5}, "basic") &&
        (at == 0 || ways[at - 1] == ' ' || ways[at - 1] == ','))
      return true;
  return false;
}

std::string of_channels(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

Atss::Atss(const config::Http& target, double rate_hz, std::vector<std::string> channels)
    : target_{target},
      url_{config::parse_url(target.url).value_or(config::HttpUrl{})},
      rate_hz_{rate_hz},
      part_{decode::most_atss_rows(channels.size())},
      names_{std::move(channels)} {}

void Atss::told(std::string what) { news_.push_back(target_.url + ": " + std::move(what)); }
Protocol::Answer Atss::fail(std::string reason) const { return {.failed = target_.url + ": " + std::move(reason)}; }
std::vector<std::string> Atss::take_news() { return std::exchange(news_, {}); }
std::vector<Protocol::Fault> Atss::take_faults() { return std::exchange(faults_, {}); }
std::chrono::nanoseconds Atss::pause() const {
  return std::min<std::chrono::nanoseconds>(target_.poll, std::chrono::seconds{1}) / 4;
}

void Atss::durable(const ledger::Durable& position) {
  if (run_ || found_) return;  // what came since is newer
  if (position.stored != mth5::UtcNanos{}) end_ = position.stored;
  Found found{.run = {}, .stored = position.stored};
  std::string_view rest = position.token;
  const auto word = [&rest] {
    const auto one = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    return one;
  };
  const auto number = [&word](auto& value) {
    const auto digits = word();
    return std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc{};
  };
  found.run = word();
  if (!found.run.empty() && number(found.start_ns) && number(found.next)) found_ = std::move(found);
}

Protocol::Answer Atss::reopen(Time now) {
  closed_in_order_at_ = now;
  return {.reopen = true};
}

Protocol::Answer Atss::connected(Time now) {
  answer_.reset();
  asked_ = Ask::Nothing;
  n_answers_ = 0;
  held_.clear();
  // Servers close after any number of answers, after each one if they like. Where they have said so, all goes on as if they had
  // not; else it may be another box that answers now.
  const auto closed = std::exchange(closed_in_order_at_, std::nullopt);
  if (closed && now - *closed < kSameBox) return next(now);
  recheck_ = run_ && run_->start;
  if (run_) run_->quiet_rounds = std::min(run_->quiet_rounds, kQuietRounds - 1);  // it may have grown meanwhile
  channel_ = 0;
  grown_ = more_ = false;
  round_began_ = {};
  return next(now);
}

void Atss::disconnected() {
  // What was not answered is asked again.
  if (asked_ == Ask::Runs) listed_at_.reset();
  if (asked_ == Ask::Header) run_->channels[channel_].asked = false;
  if (asked_ == Ask::Header && run_->start) recheck_ = true;
  if (asked_ == Ask::Samples) more_ = true;  // a round that is not held up by `poll`
  answer_.reset();
  asked_ = Ask::Nothing;
}

Protocol::Answer Atss::due(Time now) { return next(now); }

Protocol::Answer Atss::closed(Time now, const Give& give) {
  if (asked_ != Ask::Nothing && answer_) answer_->end();
  Answer answer;
  if (asked_ != Ask::Nothing && answer_ && answer_->done()) {  // its closing was the end of it
    answer = take_answer(now, give);
    if (answer.failed.empty()) return reopen(now);
  }
  // Who has answered may close when it likes; whether it has read the question before that nobody knows.
  answer.reopen = answer.failed.empty() && n_answers_ > 0 && (asked_ == Ask::Nothing || !heard_);
  return answer;
}

Protocol::Answer Atss::received(std::span<const char> bytes, Time now, const Give& give) {
  held_.append(bytes.data(), bytes.size());
  while (!held_.empty()) {
    if (asked_ == Ask::Nothing || !answer_) return fail("sends what nobody has asked for");
    heard_ = true;
    const auto n = answer_->take(held_);
    held_.erase(0, n);
    if (!answer_->failed().empty()) return fail(answer_->failed());
    if (answer_->has_head() && !answer_->has_limit()) {
      if (auto wrong = judge_head(now); !wrong.empty()) return fail(std::move(wrong));
      if (!answer_->failed().empty()) return fail(answer_->failed());
    } else if (n == 0) {
      break;
    }
    if (!answer_->done()) continue;
    const bool keeps = answer_->keeps_alive();
    if (auto answer = take_answer(now, give); !answer.failed.empty()) return answer;
    if (!keeps) return reopen(now);
    if (held_.empty()) return next(now);
  }
  return {};
}

bool Atss::list_is_due(Time now) const {
  if (!listed_at_) return true;
  const bool grows = run_ && run_->start && run_->refused.empty() && run_->quiet_rounds < kQuietRounds && !ask_range_at_;
  return now - *listed_at_ >= (grows ? std::chrono::nanoseconds{kListEvery}
                                     : std::min<std::chrono::nanoseconds>(kListEvery, kQuietRounds * target_.poll));
}

std::optional<std::size_t> Atss::channel_without_header() const {
  for (std::size_t i = 0; i < run_->channels.size(); ++i) {
    const auto& channel = run_->channels[i];
    if (!channel.stem.empty() && !channel.header && !channel.asked) return i;
  }
  return std::nullopt;
}

/// From a channel on, the first that can be asked for; n_channels: none.
std::size_t Atss::next_channel(std::size_t from) const {
  while (from < names_.size() && (names_[from].empty() || run_->channels[from].waiting.size() >= part_)) ++from;
  return from;
}

Protocol::Answer Atss::next(Time now) {
  if (asked_ != Ask::Nothing) return {};
  if (list_is_due(now)) {
    asked_ = Ask::Runs;
    listed_at_ = now;
  } else if (run_ && run_->refused.empty() && files_due_) {
    asked_ = Ask::Files;
  } else if (run_ && run_->refused.empty()) {
    if (std::exchange(recheck_, false)) {
      channel_ = 0;
      while (channel_ < names_.size() && names_[channel_].empty()) ++channel_;
      asked_ = Ask::Header;
    } else if (const auto without = channel_without_header()) {
      channel_ = *without;
      run_->channels[channel_].asked = true;
      asked_ = Ask::Header;
    } else if (run_->start && ask_range_at_.value_or(now) <= now) {
      const bool begins = round_began_ == Time{};
      channel_ = next_channel(channel_);
      if (channel_ == next_channel(0)) {
        if (!begins && !more_ && now - round_began_ < target_.poll) return {};
        round_began_ = now;
        if (begins) rows_at_ = now;
        grown_ = more_ = false;
      }
      asked_ = Ask::Samples;
    }
  }
  if (asked_ == Ask::Nothing) return {};
  heard_ = false;
  answer_.emplace();
  return {.send = question()};
}

std::string Atss::directory() const { return is_run_ ? url_.path : url_.path + run_->name + '/'; }

std::string Atss::path_of(const Channel& channel, std::string_view end) const {
  return directory() + channel.stem + std::string{end};
}

std::string Atss::question() {
  const bool v6 = url_.host.find(':') != std::string::npos;
  std::string fields = "Host: " + (v6 ? '[' + url_.host + ']' : url_.host);
  if (url_.port != (url_.tls ? 443 : 80)) fields += ':' + std::to_string(url_.port);
  fields += "\r\nUser-Agent: mth5d\r\nAccept-Encoding: identity\r\n";
  if (!target_.authorization.empty()) fields += "Authorization: " + target_.authorization + "\r\n";
  const auto get = [&](const std::string& path, const std::string& more = "") {
    return "GET " + path + " HTTP/1.1\r\n" + fields + more + "\r\n";
  };
  switch (asked_) {
    case Ask::Runs:
    case Ask::Files: {
      const auto path = asked_ == Ask::Runs ? url_.path : directory();
      if (by_index_) return get(path);
      return "PROPFIND " + path + " HTTP/1.1\r\n" + fields + "Depth: 1\r\nContent-Type: application/xml; charset=utf-8\r\n" +
             "Content-Length: " + std::to_string(kWanted.size()) + "\r\n\r\n" + std::string{kWanted};
    }
    case Ask::Header:
      return get(path_of(run_->channels[channel_], ".json"));
    case Ask::Samples: {
      const auto& channel = run_->channels[channel_];
      wanted_ = part_ - channel.waiting.size();
      const auto from = channel.have * sizeof(double);
      return get(path_of(channel, ".atss"),
                 "Range: bytes=" + std::to_string(from) + '-' + std::to_string(from + wanted_ * sizeof(double) - 1) + "\r\n");
    }
    case Ask::Nothing:
      break;
  }
  return "";
}

/// Of a 401, in words that hold no password.
std::string Atss::why_no_entry() const {
  if (target_.authorization.empty()) return "it wants a user and a password; give http.user and http.password_file";
  const auto ways = answer_->header("WWW-Authenticate");
  if (!ways.empty() && !offers_basic(ways))
    return "it wants the password in another way than Basic, which is the only one supported: " +
           config::in_quotes(mth5::printable(ways.substr(0, 60)));
  return "it does not take user " + config::in_quotes(target_.user) +
         " with this password; check http.user and http.password_file";
}

std::string Atss::judge_head(Time now) {
  const auto status = answer_->status();
  const bool list = asked_ == Ask::Runs || asked_ == Ask::Files;
  const auto asked = std::string{list && !by_index_ ? "PROPFIND " : "GET "} +
                     (asked_ == Ask::Runs    ? url_.path
                      : asked_ == Ask::Files ? directory()
                                             : path_of(run_->channels[channel_], asked_ == Ask::Header ? ".json" : ".atss"));
  const auto says = "answers " + std::to_string(status) + " to " + asked;
  if (status == 401) return says + ": " + why_no_entry();
  if (status == 407) return says + ": a proxy wants a user and a password, which is not supported";
  if (status >= 300 && status < 400) return says + ": it is elsewhere; put that address into http.url";
  if (status >= 500 && !(list && !by_index_ && status == 501)) return says;
  if (status < 200) return says;
  std::size_t longest = kLongestOther;
  if (list) {
    if (status == (by_index_ ? 200 : 207)) longest = kLongestListing;
    if (by_index_ && status != 200 && !(asked_ == Ask::Files && status == 404)) return says + "; check http.url";
  } else if (asked_ == Ask::Header) {
    if (status == 200) longest = kLongestJson;
  } else if (status == 206) {
    const auto range = parse_content_range(answer_->header("Content-Range"));
    const auto from = run_->channels[channel_].have * sizeof(double);
    longest = wanted_ * sizeof(double);
    if (!range || !range->first || *range->first != from || *range->last - *range->first >= longest ||
        answer_->length().value_or(*range->last - from + 1) != *range->last - from + 1)
      return says + " with other bytes than were asked for (from " + std::to_string(from) + "): '" +
             answer_->header("Content-Range").substr(0, 60) + "'";
    ask_range_at_.reset();
  } else if (status == 200 && answer_->length().value_or(1) > 0) {
    ask_range_at_ = now + kAskRangeEvery;
    return "ignores Range: it would send " + asked.substr(4) + " as a whole again and again. It is not read; asked again in " +
           config::format_duration(kAskRangeEvery);
  } else if (status != 200 && status != 404 && status != 410 && status != 416) {
    return says;
  }
  answer_->limit_body(longest);
  return "";
}

Protocol::Answer Atss::take_answer(Time now, const Give& give) {
  ++n_answers_;
  const auto status = answer_->status();
  const auto asked = std::exchange(asked_, Ask::Nothing);
  switch (asked) {
    case Ask::Runs:
    case Ask::Files:
      if (status != (by_index_ ? 200u : 207u)) {
        if (asked == Ask::Files && status == 404) {
          refuse("is gone");
        } else if (!by_index_) {
          by_index_ = true;
          listed_at_.reset();  // asked once more, in the other way
        }
      } else if (asked == Ask::Runs) {
        take_runs();
      } else {
        take_files();
      }
      break;
    case Ask::Header:
      take_header();
      break;
    case Ask::Samples:
      take_samples();
      if (!run_ || !run_->refused.empty()) break;
      channel_ = next_channel(channel_ + 1);
      if (channel_ >= names_.size()) end_round(now, give);
      break;
    case Ask::Nothing:
      break;
  }
  return {};
}

void Atss::take_runs() {
  runs_.clear();
  bool has_files = false;
  for (const auto& one : listed(answer_->body(), url_.path)) {
    if (run_number(one.name)) runs_.push_back(one.name);
    has_files = has_files || parse_atss_name(one.name).has_value();
  }
  is_run_ = runs_.empty() && has_files;
  if (is_run_) {
    auto name = url_.path.substr(0, url_.path.size() - 1);
    name.erase(0, name.rfind('/') + 1);
    runs_ = {run_number(name) ? name : "run_0"};
  }
  std::sort(runs_.begin(), runs_.end(), is_earlier);
  choose_run();
  files_due_ = run_ && run_->refused.empty();
}

void Atss::choose_run() {
  if (runs_.empty()) return;
  if (!run_ && !found_) return begin_run(target_.runs == "all" ? runs_.front() : runs_.back(), true);
  const auto current = run_ ? run_->name : found_->run;
  const auto later = std::upper_bound(runs_.begin(), runs_.end(), current, is_earlier);
  const bool there = std::find(runs_.begin(), runs_.end(), current) != runs_.end();
  if (!run_) {
    if (there) return begin_run(current, true);
    told(current + ", where the file ends, is gone");
    return begin_run(later != runs_.end() ? *later : runs_.back(), later != runs_.end());
  }
  if (run_->refused.empty() && there) {
    const bool waits = run_->start ? run_->quiet_rounds < kQuietRounds : run_->listings < kListingsTold;
    if (waits || later == runs_.end()) return;
  }
  if (later == runs_.end() && there) return;
  std::vector<std::string> longer;
  for (const auto& channel : run_->channels)
    if (!channel.waiting.empty()) longer.push_back(channel.name + " " + std::to_string(channel.waiting.size()));
  if (!longer.empty())
    told(run_->name + " has ended with samples that not all channels have, and that are left out: " + of_channels(longer));
  if (!run_->start && run_->refused.empty()) told(run_->name + " is left out: it has not a header of each channel");
  begin_run(later != runs_.end() ? *later : runs_.back(), later != runs_.end());  // after the last: numbers begin anew
}

void Atss::begin_run(const std::string& name, bool is_later) {
  run_ = Run{.name = name, .is_later = is_later, .channels = {}};
  for (const auto& channel : names_) run_->channels.push_back({.name = channel});
  channel_ = 0;
  recheck_ = false;
  round_began_ = {};
  files_due_ = true;
}

void Atss::take_files() {
  files_due_ = false;
  ++run_->listings;
  const auto files = listed(answer_->body(), directory());
  std::vector<std::string> missing;
  for (auto& channel : run_->channels) {
    if (channel.name.empty()) continue;
    channel.asked = false;
    std::size_t n = 0;
    for (const auto& file : files) {
      const auto name = parse_atss_name(file.name);
      if (!name || !boost::beast::iequals(name->type, channel.name) || std::abs(name->rate_hz - rate_hz_) > 1e-6 * rate_hz_)
        continue;
      ++n;
      if (channel.stem.empty()) channel.stem = name->stem;
      if (channel.stem != name->stem || !file.size || *file.size >= channel.have * sizeof(double)) continue;
      return shrunk(channel, *file.size);
    }
    if (n == 0) missing.push_back(channel.name);
    if (n > 1 && run_->listings == 1)
      told(run_->name + " has " + std::to_string(n) + " files of " + channel.name + "; " + channel.stem + ".atss is read");
  }
  if (!missing.empty() && run_->listings == kListingsTold)
    told(run_->name + " has no file at " + config::format_number(rate_hz_) + " Hz of " + of_channels(missing) +
         ": nothing of it is recorded before it has. Channels that the box does not have: channels: {" + missing.front() +
         ": skip}; another rate: sample_rate");
}

void Atss::take_header() {
  auto& channel = run_->channels[channel_];
  auto header = answer_->status() == 200 ? parse_atss_header(answer_->body()) : std::nullopt;
  if (run_->start) {  // after another connection
    channel_ = 0;
    if (!header || std::chrono::abs(header->start - *run_->start) < std::chrono::milliseconds{1}) return;
    told(run_->name + " has begun anew: it is now of " + mth5::to_iso(header->start) + ", and was of " +
         mth5::to_iso(*run_->start));
    return begin_run(std::string{run_->name}, true);
  }
  if (!header) {
    if (run_->listings == kListingsTold)
      told(run_->name + '/' + channel.stem + ".json: " +
           (answer_->status() == 200 ? "is no header: JSON with a datetime" : "answers " + std::to_string(answer_->status())) +
           "; without it nothing of the run is recorded");
    return;
  }
  channel.header = std::move(header);
  const bool all = std::all_of(run_->channels.begin(), run_->channels.end(),
                               [](const Channel& one) { return one.name.empty() || one.header; });
  if (all) headers_are_there();
}

void Atss::headers_are_there() {
  const Channel* first = nullptr;
  std::string who;
  for (const auto& channel : run_->channels) {
    if (channel.name.empty()) continue;
    if (first == nullptr) first = &channel;
    const auto apart = std::chrono::abs(channel.header->start - first->header->start);
    if (std::chrono::duration<double>(apart).count() * rate_hz_ > 0.5)
      return refuse("has channels that begin at different times: " + first->name + " at " + mth5::to_iso(first->header->start) +
                    ", " + channel.name + " at " + mth5::to_iso(channel.header->start));
    who += (who.empty() ? "" : ", ") + channel.name + (channel.header->units.empty() ? "" : " in " + channel.header->units) +
           (channel.header->sensor.empty() ? "" : " of " + channel.header->sensor);
  }
  run_->start = first->header->start;
  if (!run_->is_later && end_ && *run_->start < *end_)
    return refuse("begins at " + mth5::to_iso(*run_->start) + ", before the end of what was read, " + mth5::to_iso(*end_));
  if (found_ && found_->run == run_->name) {
    if (found_->start_ns == run_->start->time_since_epoch().count()) {
      run_->given = found_->next;
      for (auto& channel : run_->channels) channel.have = found_->next;
    } else {
      told(run_->name + " is not the one that the file ends with: it begins at " + mth5::to_iso(*run_->start));
    }
  }
  channel_ = 0;
  told(run_->name + " of " + mth5::to_iso(*run_->start) + " is read from sample " + std::to_string(run_->given) + ": " + who);
}

void Atss::take_samples() {
  auto& channel = run_->channels[channel_];
  const auto status = answer_->status();
  const auto have = channel.have * sizeof(double);
  const auto range = parse_content_range(answer_->header("Content-Range"));
  if (status == 404 || status == 410) return refuse("is gone");
  if (status == 200 && have > 0) return shrunk(channel, 0);
  if (range && range->total && *range->total < have) return shrunk(channel, *range->total);
  if (status != 206) return;                                                         // nothing new
  if (!range || *range->last - *range->first + 1 != answer_->body().size()) return;  // less than its head has promised
  const auto n = answer_->body().size() / sizeof(double);
  if (n == 0) return;
  const auto before = channel.waiting.size();
  channel.waiting.resize(before + n);
  std::memcpy(channel.waiting.data() + before, answer_->body().data(), n * sizeof(double));
  channel.have += n;
  grown_ = true;
  more_ = more_ || n == wanted_;
}

void Atss::end_round(Time now, const Give& give) {
  channel_ = 0;
  std::size_t n = std::numeric_limits<std::size_t>::max(), most = 0;
  const Channel* last = nullptr;
  for (const auto& channel : run_->channels) {
    if (channel.name.empty()) continue;
    most = std::max(most, channel.waiting.size());
    if (channel.waiting.size() >= n) continue;
    n = channel.waiting.size();
    last = &channel;
  }
  run_->quiet_rounds = grown_ ? 0 : run_->quiet_rounds + 1;
  more_ = more_ && grown_;
  if (n > 0) {
    rows_at_ = now;
    run_->told_behind = false;
    return give_rows(n, give);
  }
  if (most == 0 || now - rows_at_ < kBehind || std::exchange(run_->told_behind, true)) return;
  told(run_->name + " has had nothing new of " + last->name + " for " + config::format_duration(kBehind) +
       ": what others have waits for it, and is not stored before it goes on");
}

void Atss::give_rows(std::size_t n, const Give& give) {
  const auto n_channels = run_->channels.size();
  const auto time = [this](std::uint64_t row) {
    return mth5::sample_time(*run_->start, rate_hz_, static_cast<std::int64_t>(row));
  };
  // What was stored behind the token comes again, and is left out.
  std::size_t known = 0;
  if (found_ && run_->start->time_since_epoch().count() >= found_->start_ns) {
    const mth5::Nanos half{std::llround(0.5e9 / rate_hz_)};
    while (known < n && time(run_->given + known) + half < found_->stored) ++known;
    if (known < n) found_.reset();
  }
  std::vector<double> rows(n_channels * (n - known), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t c = 0; c < n_channels; ++c) {
    auto& channel = run_->channels[c];
    if (channel.name.empty()) continue;
    for (std::size_t i = known; i < n; ++i) rows[(i - known) * n_channels + c] = channel.waiting[i];
    channel.waiting.erase(channel.waiting.begin(), channel.waiting.begin() + static_cast<std::ptrdiff_t>(n));
  }
  const auto first = run_->given + known;
  run_->given += n;
  end_ = time(run_->given);
  if (rows.empty()) return;
  std::string block;
  const auto token = run_->name + ' ' + std::to_string(run_->start->time_since_epoch().count()) + ' ';
  if (!std::exchange(run_->said_state, true)) {
    const double kNotSaid = std::numeric_limits<double>::quiet_NaN();
    decode::AtssState state{kNotSaid, kNotSaid, kNotSaid, std::vector<double>(n_channels, kNotSaid)};
    for (std::size_t c = n_channels; c-- > 0;) {
      const auto& header = run_->channels[c].header;
      if (!header) continue;
      state.latitude = header->latitude;
      state.longitude = header->longitude;
      state.elevation = header->elevation;
      state.contact_resistance[c] = header->contact_resistance;
    }
    decode::append_atss_state(block, time(first), state);
    give(block, token + std::to_string(first));
    block.clear();
  }
  decode::append_atss_samples(block, time(first), n_channels, rows);
  give(block, token + std::to_string(run_->given));
}

void Atss::refuse(std::string why) {
  told(run_->name + ' ' + why + ": no more of it is read");
  run_->refused = std::move(why);
}

void Atss::shrunk(const Channel& channel, std::uint64_t bytes) {
  run_->refused = "has shrunk";
  faults_.push_back({ledger::InputFault::Shrunk, 1,
                     target_.url + ": " + run_->name + '/' + channel.stem + ".atss has become shorter: " + std::to_string(bytes) +
                         " bytes, and " + std::to_string(channel.have * sizeof(double)) +
                         " were read; no more of this run is read, because it may be another"});
}

}  // namespace daq::source
