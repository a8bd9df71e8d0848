#include "acquisition/trial/trial.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "acquisition/stream/streams.hpp"
#include "mth5/printable.hpp"

namespace daq::trial {

namespace {

constexpr std::size_t kMostSteps = 4096;     // different ones; more is noise
constexpr std::size_t kBeginning = 1 << 16;  // bytes in which examples are looked for
constexpr std::size_t kLongestExample = 40;  // characters

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

/// Left-aligned in so many columns.
std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}
std::string right(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

constexpr double kAlike = 0.01;  // rates: times that are cut do not say them any finer

/// Whole Hz, or a whole number of seconds a sample, where it is one but for a part of `unsure`.
double whole_within(double hz, double unsure) {
  const double whole = hz >= 1 ? std::round(hz) : 1 / std::round(1 / hz);
  return std::abs(hz / whole - 1) <= unsure ? whole : hz;
}

void count_step(std::map<std::int64_t, std::uint64_t>& steps, std::int64_t step) {
  if (const auto known = steps.find(step); known != steps.end())
    ++known->second;
  else if (steps.size() < kMostSteps)
    steps.emplace(step, 1);
}

std::string table_row(const std::string& name, const std::string& units, const Range& range) {
  const bool some = range.n() > 0;
  return "  " + padded(name, 20) + padded(units, 26) + right(some ? number(range.min()) : "-", 14) +
         right(some ? number(range.median()) : "-", 14) + right(some ? number(range.max()) : "-", 14) +
         right(std::to_string(range.unknown()), 10) + "\n";
}

nlohmann::ordered_json range_json(const Range& range) {
  const bool some = range.n() > 0;
  const auto value = [&](double v) { return some ? nlohmann::ordered_json(v) : nlohmann::ordered_json(nullptr); };
  return {{"min", value(range.min())},
          {"median", value(some ? range.median() : 0)},
          {"max", value(range.max())},
          {"n", range.n()},
          {"unknown", range.unknown()}};
}

}  // namespace

void Range::add(double value) {
  if (std::isnan(value)) {
    ++unknown_;
    return;
  }
  min_ = n_ == 0 ? value : std::min(min_, value);
  max_ = n_ == 0 ? value : std::max(max_, value);
  if (n_++ % step_ != 0) return;
  values_.push_back(value);
  if (values_.size() < kMost) return;
  for (std::size_t i = 0; i < values_.size() / 2; ++i) values_[i] = values_[2 * i];
  values_.resize(values_.size() / 2);
  step_ *= 2;
}

double Range::median() const {
  auto sorted = values_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return sorted.size() % 2 == 1 ? *middle : (*std::max_element(sorted.begin(), middle) + *middle) / 2;
}

Trial::Trial(const config::Instrument& instrument)
    : instrument_{instrument},
      decoder_{decode::make_decoder(instrument.decoder, instrument.kept)},
      channels_(instrument.channels.size()),
      soh_(instrument.soh.size()),
      misfits_{stream::stored_as(instrument.channels)} {}

void Trial::feed(std::span<const char> bytes, mth5::UtcNanos arrival) {
  if (beginning_.empty()) arrival_ = arrival;
  beginning_.append(bytes.data(), std::min(bytes.size(), kBeginning - beginning_.size()));
  decoder_->feed({.bytes = bytes, .arrival = arrival}, batch_);
  look();
}

void Trial::end() {
  decoder_->end_of_stream(batch_);
  look();
  misfits_found_ = misfits_.take_news();
  find_examples();
}

void Trial::find_examples() {
  std::vector<decode::Quantity> wanted;
  for (std::size_t i = 0; i < channels_.size(); ++i)
    if (channels_[i].n() == 0 && channels_[i].unknown() > 0) wanted.push_back({false, i});
  for (std::size_t i = 0; i < soh_.size(); ++i)
    if (soh_[i].n() == 0 && soh_[i].unknown() > 0) wanted.push_back({true, i});
  const auto decoder = decode::make_decoder(instrument_.decoder, instrument_.kept);
  decode::Batch batch;
  const auto& c = decoder->counters();
  std::uint64_t frames = 0, skipped = 0;
  std::size_t begin = 0;  // of what is not decided yet: some wait for what comes behind them
  for (std::size_t i = 0; i < beginning_.size() && !wanted.empty(); ++i) {
    decoder->feed({.bytes = {&beginning_[i], 1}, .arrival = arrival_}, batch);
    batch.clear();
    if (c.frames == frames) continue;
    const bool one = c.frames == frames + 1 && ledger::sum(c.bytes_skipped) == skipped;  // and nothing else
    const auto end = static_cast<std::size_t>(c.bytes_decoded + ledger::sum(c.bytes_skipped));
    const std::span frame{beginning_.data() + begin, end - begin};
    if (one)
      std::erase_if(wanted, [&](const decode::Quantity& of) {
        auto text = decode::shown(instrument_.decoder, frame, of);
        if (text.empty()) return false;
        if (text.size() > kLongestExample) text = text.substr(0, kLongestExample) + "...";
        examples_.push_back({of, mth5::printable(text)});
        return true;
      });
    frames = c.frames;
    skipped = ledger::sum(c.bytes_skipped);
    begin = end;
  }
}

std::string Trial::example(bool soh, std::size_t index) const {
  const auto found =
      std::find_if(examples_.begin(), examples_.end(), [&](const Example& e) { return e.of.soh == soh && e.of.index == index; });
  return found == examples_.end() ? "" : found->text;
}

void Trial::count(const decode::Frame& frame) {
  if (frame.n_samples > 0) ++with_samples_;
  if (!frame.counter) return;
  const auto numbering = decode::numbering(instrument_.decoder);
  const auto step = numbering.samples_per_count == 0 ? 1 : frame.n_samples / numbering.samples_per_count;
  if (!counter_) counter_ = Counted{.first = *frame.counter, .next = *frame.counter};
  auto& seen = *counter_;
  if (*frame.counter != seen.next) ++seen.other;
  ++seen.n;
  seen.newest = *frame.counter;
  seen.next = numbering.modulus == 0 ? seen.newest + step : (seen.newest + step) % numbering.modulus;
}

void Trial::look() {
  const auto* ticks = counted_ticks();
  for (const auto& frame : batch_.frames) {
    count(frame);
    const double* value = batch_.samples.data() + frame.first;
    for (std::uint32_t n = 0; n < frame.n_samples; ++n) {
      const bool apart = frame.channel != decode::kAllChannels;
      for (std::size_t c = apart ? frame.channel : 0; c < (apart ? frame.channel + 1u : channels_.size()); ++c, ++value) {
        channels_[c].add(*value);
        misfits_.add(c, *value);
      }
    }
    if (frame.kind != decode::TimeKind::Gps && frame.kind != decode::TimeKind::Device) continue;
    if (frame.n_samples == 1 && !frame.counter && frame.channel == decode::kAllChannels) time_step_ = frame.time_step;
    cut_ = frame.time_step;
    first_ = first_ ? std::min(*first_, frame.time) : frame.time;
    last_ = last_ ? std::max(*last_, frame.time) : frame.time;
    auto& newest = newest_[frame.channel];
    if (newest.n_samples > 0) {
      const auto passed = (frame.time - newest.time).count();
      count_step(steps_, passed / newest.n_samples);
      if (ticks != nullptr && begins_second(*ticks, frame)) count_step(steps_to_second_, passed / newest.n_samples);
      if (passed != 0) count_step(coarse_steps_, passed / static_cast<std::int64_t>(newest.n_alike));
      ++n_steps_;
    }
    const auto alike = newest.n_samples > 0 && frame.time == newest.time ? newest.n_alike : 0;
    newest = {frame.time, frame.n_samples, alike + frame.n_samples};
  }
  for (const auto& state : batch_.states)
    for (std::size_t i = 0; i < soh_.size(); ++i) soh_[i].add(batch_.soh[state.first + i]);
  batch_.clear();
}

const decode::FrameTime* Trial::counted_ticks() const {
  const auto* format = std::get_if<decode::FrameFormat>(&instrument_.decoder);
  if (format == nullptr) return nullptr;
  for (const auto& kind : format->kinds)
    if (kind.time && kind.time->ticks && kind.time->unit == std::chrono::seconds{1} &&
        kind.time->ticks_hz == instrument_.sample_rate)
      return &*kind.time;
  return nullptr;
}

bool Trial::begins_second(const decode::FrameTime& form, const decode::Frame& frame) const {
  constexpr double kRounding = 1e-6;  // ticks
  const double back = form.of_last_sample ? static_cast<double>(frame.n_samples - 1) / instrument_.sample_rate : 0;
  const auto since = frame.time - form.epoch - form.shift;
  const double within = std::chrono::duration<double>(since - std::chrono::floor<std::chrono::seconds>(since)).count() + back;
  return (within - std::floor(within)) * form.ticks_hz < frame.n_samples - kRounding;
}

std::optional<Trial::Rate> Trial::rate_by_ticks() const {
  constexpr std::uint64_t kLeast = 3;  // seconds that end so
  constexpr double kNearlyAll = 0.8;   // of the samples lie in them
  if (counted_ticks() == nullptr || newest_.empty()) return std::nullopt;
  const auto n_samples = static_cast<double>(newest_.begin()->second.n_samples);
  for (const auto& [step, n] : steps_to_second_) {
    // From the last tick to the first one of the next second.
    const double ticks = (1 - 1e-9 * static_cast<double>(step) * n_samples) * instrument_.sample_rate + n_samples;
    const double hz = std::round(ticks);
    if (n < kLeast || hz < 1 || hz == std::round(instrument_.sample_rate) || std::abs(ticks - hz) > 1e-3) continue;
    const auto frames = static_cast<std::uint64_t>(static_cast<double>(n) * hz / n_samples);
    if (static_cast<double>(frames) >= kNearlyAll * static_cast<double>(n_steps_))
      return Rate{hz, std::min(frames, n_steps_), n_steps_};
  }
  return std::nullopt;
}

/// Times scatter by more than they are cut: the mean of the steps around the middle one, in which what one came late the next
/// came early.
std::optional<Trial::Rate> Trial::scattered_rate() const {
  std::uint64_t counted = 0, below = 0;
  double middle = 0;
  for (const auto& [step, n] : steps_) counted += n;
  for (const auto& [step, n] : steps_)
    if (2 * below < counted && 2 * (below += n) >= counted) middle = static_cast<double>(step);
  if (middle <= 0) return std::nullopt;
  std::uint64_t n = 0;
  double sum = 0, least = middle, most = middle;
  for (const auto& [step, count] : steps_) {
    const auto one = static_cast<double>(step);
    if (one < 0.5 * middle || one > 1.5 * middle) continue;
    n += count;
    sum += one * static_cast<double>(count);
    least = std::min(least, one);
    most = std::max(most, one);
  }
  return Rate{whole_within(1e9 * static_cast<double>(n) / sum, (most - least) / sum), n, n_steps_};
}

std::optional<Trial::Rate> Trial::rate() const {
  constexpr double kMore = 0.02, kNearlyAll = 0.9;
  if (const auto ticked = rate_by_ticks()) return ticked;
  const auto still = steps_.find(0);
  const bool coarse = still != steps_.end() && 2 * still->second + 1 >= n_steps_;  // several samples have the same time
  const auto& steps = coarse ? coarse_steps_ : steps_;
  const auto most =
      std::max_element(steps.begin(), steps.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == steps.end() || most->first <= 0) return std::nullopt;
  const auto of = coarse ? n_steps_ - still->second : n_steps_;
  // Times that are cut go on now by a little more, now by less: the mean of these tells.
  const auto usual = static_cast<double>(most->first), cut = static_cast<double>(cut_.count());
  const double n = coarse ? std::round(cut / usual) : static_cast<double>(newest_.begin()->second.n_samples);  // samples a step
  std::uint64_t alike = 0;
  double length = 0, samples = 0;
  for (const auto& [step, count] : steps) {
    const auto one = static_cast<double>(step), often = static_cast<double>(count);
    if (one <= 0 || (coarse ? std::abs(cut / one - n) > 1 + kMore * n : std::abs(one - usual) * n > cut + n)) continue;
    alike += count;
    length += often * (coarse ? cut : one * n);
    samples += often * (coarse ? cut / one : n);
  }
  if (!coarse && 2 * alike < of) return scattered_rate();
  const Rate mean{whole_within(1e9 * samples / length, 2 * cut / length), alike, of};
  const Rate commonest{1e9 / usual, most->second, of};
  // A step longer by a whole sample may be a loss, too.
  const bool may_be_losses = !coarse && cut >= usual * n * (1 - kMore);
  const bool agrees = std::abs(commonest.hz / instrument_.sample_rate - 1) <= kAlike;
  const bool nearly_all = static_cast<double>(most->second) >= kNearlyAll * static_cast<double>(alike);
  return samples == 0 || (may_be_losses && (agrees || nearly_all)) ? commonest : mean;
}

std::vector<decode::Refusal> Trial::refused() const {
  auto all = decoder_->refusals();
  std::string last;
  for (auto& one : all) {
    if (!one.advice.empty() || one.offset >= beginning_.size()) continue;
    auto advice = decode::advice(instrument_.decoder, std::span{beginning_}.subspan(one.offset));
    if (advice != last) one.advice = last = advice;  // once is enough
  }
  return all;
}

std::vector<std::string> Trial::findings() const {
  constexpr double kMuch = 0.1;  // of the bytes
  auto all = decoder_->findings();
  if (time_step_) {
    const auto said = decode::numbering(instrument_.decoder).resolution;
    const auto doubt = stream::doubt_of_times(said.count() > 0 ? said : *time_step_, instrument_.sample_rate);
    if (!doubt.empty()) all.push_back(doubt);
  }
  if (auto advice = decode::advice_of_lengths(instrument_.decoder, beginning_); !advice.empty()) all.push_back(std::move(advice));
  const auto found = rate();
  if (!found || found->steps < 3 || std::abs(found->hz / instrument_.sample_rate - 1) <= kAlike) return all;
  const auto asked = std::to_string(found->steps) + " of " + std::to_string(found->of) + " steps between times";
  const auto& c = decoder_->counters();
  // Whole sentences of others are no samples that could be missing.
  const auto lost = ledger::sum(c.bytes_skipped) - c.bytes_skipped[static_cast<std::size_t>(ledger::Skip::OtherSentence)];
  if (static_cast<double>(lost) > kMuch * static_cast<double>(c.bytes_in)) {
    all.push_back("what is read comes at " + number(found->hz) + " Hz by " + asked + "; the profile says " +
                  number(instrument_.sample_rate) + " Hz. But " + std::to_string(lost) + " of " + std::to_string(c.bytes_in) +
                  " bytes are refused, which may be the samples between: see to these first");
    return all;
  }
  all.push_back("by " + asked + " the rate is " + number(found->hz) + " Hz; the profile says " + number(instrument_.sample_rate) +
                " Hz. If the instrument was set so, give the source sample_rate: " + number(found->hz));
  return all;
}

std::string Trial::why_nothing() const {
  if (decoder_->counters().bytes_in == 0) return "is empty";
  const auto refused = this->refused();
  if (refused.empty()) return "holds nothing but blank lines and comments";
  // Rather what was to be a frame than a sentence of another device on the line.
  const auto own = std::find_if(refused.begin(), refused.end(),
                                [](const decode::Refusal& one) { return one.why != ledger::Skip::OtherSentence; });
  return "no frame of this instrument: " + to_string(own == refused.end() ? refused.front() : *own);
}

std::string Trial::text(const std::string& name) const {
  const auto& c = decoder_->counters();
  const auto line = [](const char* what, const std::string& says) { return padded(what, 10) + says + "\n"; };
  std::string all = line("profile", instrument_.name + ": " + instrument_.description) + line("recording", name);
  all += line("bytes", std::to_string(c.bytes_in) + ", of them " + std::to_string(c.bytes_decoded) + " decoded, " +
                           std::to_string(ledger::sum(c.bytes_skipped)) + " skipped");
  all += line("frames", std::to_string(c.frames) +
                            (c.frames == with_samples_ ? "" : "; without samples: " + std::to_string(c.frames - with_samples_)) +
                            (c.fields_unknown == 0 ? "" : "; fields without a value: " + std::to_string(c.fields_unknown)) +
                            (c.frames_unchecked == 0 ? "" : "; held against no checksum: " + std::to_string(c.frames_unchecked)) +
                            (c.short_lines == 0 ? "" : "; of short lines: " + std::to_string(c.short_lines)));
  const auto* as_text = std::get_if<decode::TextFormat>(&instrument_.decoder);
  const bool of_day = as_text != nullptr && as_text->time == "host-date";
  if (first_)
    all += line("time", mth5::to_iso(*first_) + " to " + mth5::to_iso(*last_) +
                            (of_day ? ", times of day with the date of this computer's clock" : ""));
  if (counter_)
    all += line("counter", "from " + std::to_string(counter_->first) + " to " + std::to_string(counter_->newest) + " in " +
                               std::to_string(counter_->n) + " frames" +
                               (counter_->other == 0 ? ", each next to the one before"
                                                     : "; not next to the one before: " + std::to_string(counter_->other)));
  if (const auto found = rate())
    all += line("rate", number(found->hz) + " Hz by " + std::to_string(found->steps) + " of " + std::to_string(found->of) +
                            " steps; the profile says " + number(instrument_.sample_rate) + " Hz");
  if (c.frames > 0) {
    const auto head = padded("", 26) + right("min", 14) + right("median", 14) + right("max", 14) + right("unknown", 10) + "\n";
    all += padded("channels", 22) + head;
    for (std::size_t i = 0; i < channels_.size(); ++i)
      all += table_row(instrument_.channels[i].name, instrument_.channels[i].metadata.text("units"), channels_[i]);
    if (!soh_.empty()) all += padded("state of health", 22) + head;
    for (std::size_t i = 0; i < soh_.size(); ++i) all += table_row(instrument_.soh[i].name, instrument_.soh[i].units, soh_[i]);
  }
  for (const auto& [of, text] : examples_) {
    const auto& whose = of.soh ? instrument_.soh[of.index].name : instrument_.channels[of.index].name;
    const auto advice = decode::advice_of_number(instrument_.decoder, text);
    all += line("unknown", whose + " in every frame; there stands, for one: " + text + (advice.empty() ? "" : "; " + advice));
  }
  for (const auto& news : misfits_found_)
    all += line("values", instrument_.channels[news.channel].name + " (" + timing::to_string(news.as) +
                              "): " + std::to_string(news.n) + ", the first of them " + number(news.first) + ": " +
                              std::string{ledger::to_string(news.misfit)} + ", " +
                              std::string{ledger::misfits()[static_cast<std::size_t>(news.misfit)].meaning});
  for (std::size_t i = 0; i < ledger::kSkips; ++i)
    if (c.bytes_skipped[i] > 0)
      all += line("skipped", std::to_string(c.bytes_skipped[i]) + " bytes in " + std::to_string(c.events_skipped[i]) +
                                 " place(s): " + std::string{ledger::skip_reasons()[i].name} + ", " +
                                 std::string{ledger::skip_reasons()[i].meaning});
  for (const auto& refusal : refused()) all += line("refused", to_string(refusal));
  for (const auto& finding : findings()) all += line("found", finding);
  return all;
}

nlohmann::ordered_json Trial::json(const std::string& name) const {
  const auto& c = decoder_->counters();
  using Json = nlohmann::ordered_json;
  const auto time = [](const std::optional<mth5::UtcNanos>& t) { return t ? Json(mth5::to_iso(*t)) : Json(nullptr); };
  Json skipped = Json::object();
  for (std::size_t i = 0; i < ledger::kSkips; ++i)
    if (c.bytes_skipped[i] > 0) skipped[std::string{ledger::skip_reasons()[i].name}] = c.bytes_skipped[i];
  const auto found = rate();
  Json channels = Json::array(), soh = Json::array(), refused = Json::array();
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    const auto& channel = instrument_.channels[i];
    Json one{
        {"name", channel.name}, {"component", channel.metadata.text("component")}, {"units", channel.metadata.text("units")}};
    one.update(range_json(channels_[i]));
    for (const auto& news : misfits_found_)
      if (news.channel == i) one[std::string{ledger::to_string(news.misfit)}] = news.n;
    if (const auto text = example(false, i); !text.empty()) one["example"] = text;
    channels.push_back(one);
  }
  for (std::size_t i = 0; i < soh_.size(); ++i) {
    Json one{{"name", instrument_.soh[i].name}, {"units", instrument_.soh[i].units}};
    one.update(range_json(soh_[i]));
    if (const auto text = example(true, i); !text.empty()) one["example"] = text;
    soh.push_back(one);
  }
  for (const auto& r : this->refused())
    refused.push_back({{"line", r.line > 0 ? Json(r.line) : Json(nullptr)},
                       {"offset", r.offset},
                       {"place", r.place},
                       {"reason", to_string(r.why)},
                       {"excerpt", r.excerpt},
                       {"advice", r.advice}});
  return {
      {"schema", 1},
      {"instrument", instrument_.name},
      {"decoder", decode::name_of(instrument_.decoder)},
      {"file", name},
      {"bytes", {{"in", c.bytes_in}, {"decoded", c.bytes_decoded}, {"skipped", ledger::sum(c.bytes_skipped)}}},
      {"frames", c.frames},
      {"frames_without_samples", c.frames - with_samples_},
      {"counter",
       counter_
           ? Json{{"first", counter_->first}, {"last", counter_->newest}, {"frames", counter_->n}, {"not_next", counter_->other}}
           : Json(nullptr)},
      {"fields_unknown", c.fields_unknown},
      {"frames_unchecked", c.frames_unchecked},
      {"short_lines", c.short_lines},
      {"time", {{"first", time(first_)}, {"last", time(last_)}}},
      {"rate",
       {{"guess", found ? Json(found->hz) : Json(nullptr)},
        {"steps", found ? found->steps : 0},
        {"of", found ? found->of : n_steps_},
        {"profile", instrument_.sample_rate}}},
      {"channels", channels},
      {"state_of_health", soh},
      {"skipped", skipped},
      {"refused", refused},
      {"findings", findings()}};
}

}  // namespace daq::trial
