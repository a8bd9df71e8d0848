#include "analysis/history.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "analysis/median.hpp"
#include "analysis/spectra/mains.hpp"

namespace analysis {

namespace {

constexpr std::int64_t kRecent = 10;    ///< minutes
constexpr std::int64_t kTens = 6;       ///< ten minutes each
constexpr std::int64_t kOfSpectra = 5;  ///< minutes
constexpr std::size_t kLeastTens = 3;   ///< to know what is usual
constexpr std::size_t kLeastCells = 60;
constexpr std::size_t kPulseSegment = 256;        ///< s: at least eight periods
constexpr std::int64_t kLeastPulseSegments = 12;  ///< half an hour: noise alone is never 6 dB above what lies beside it

/// By how much samples move within a second, or from one to the next where they are slower: whatever the level does in an hour.
/// The median; NaN of too few.
double noise_of(const Envelope& envelope) {
  std::vector<double> sizes;
  const Envelope::Cell* before = nullptr;
  for (const auto& [number, cell] : envelope.cells()) {
    if (cell.n > 1)
      sizes.push_back(cell.max - cell.min);
    else if (before != nullptr)
      sizes.push_back(std::abs(cell.mean - before->mean));
    before = &cell;
  }
  if (sizes.size() < kLeastCells) return std::numeric_limits<double>::quiet_NaN();
  return upper_median(sizes);
}

}  // namespace

void History::add(const Block& block) {
  const auto size = static_cast<std::int64_t>(block.values.size());
  for (std::int64_t first = 0; first < size;) {
    const auto start = mth5::sample_time(block.start, block.rate, first);
    const auto minute = std::chrono::floor<std::chrono::minutes>(start);
    const double exact = mth5::samples_between(block.start, minute + std::chrono::minutes{1}, block.rate);
    const auto end = std::clamp<std::int64_t>(std::llround(std::ceil(exact - 1e-6)), first + 1, size);
    const Block part{start, block.rate,
                     block.values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first)), block.limits};
    const auto number = minute.time_since_epoch().count();
    if (minute_ && minute_->number > number) *this = {};
    if (!minute_ || minute_->number < number) begin_minute(number);
    if (!start_) start_ = start;
    minute_->measures.add(part);
    rows_.add(part);
    if (knows_lines(block.rate)) add_to_spectra(part, number);
    first = end;
  }
}

void History::add_older(const Block& block) {
  if (start_ && mth5::samples_between(block.end(), *start_, block.rate) < -0.5) return;
  pulses_.reset();
  History older;
  older.add(block);
  older.merge(std::move(*this));
  *this = std::move(older);
}

void History::begin_minute(std::int64_t number) {
  if (minute_) {
    end_minute(*minute_);
    minutes_.push_back(std::move(*minute_));
  }
  minute_ = Part{number, {}};
  forget_before(number);
}

/// It is a part of its ten minutes.
void History::end_minute(const Part& minute) {
  const auto ten = minute.number / kRecent;
  if (tens_.empty() || tens_.back().number != ten) tens_.push_back({ten, {}});
  tens_.back().measures.merge(minute.measures);
}

void History::forget_before(std::int64_t minute) {
  while (!minutes_.empty() && minutes_.front().number < minute - kRecent) minutes_.pop_front();
  while (!tens_.empty() && tens_.front().number < minute / kRecent - kTens) tens_.pop_front();
  of_minutes_.reset();
  of_tens_.reset();
  noise_before_.reset();
}

/// @param later  of samples after all of these
void History::merge(History later) {
  if (!later.minute_) return;
  if (!minute_) {
    *this = std::move(later);
    return;
  }
  // The last minute of these may be the first of those.
  auto& first = later.minutes_.empty() ? *later.minute_ : later.minutes_.front();
  if (first.number == minute_->number) {
    auto whole = minute_->measures;
    whole.merge(first.measures);
    first.measures = std::move(whole);
  } else {
    minutes_.push_back(*minute_);
  }
  if (later.minute_->number != minute_->number) end_minute(*minute_);
  if (!tens_.empty() && !later.tens_.empty() && tens_.back().number == later.tens_.front().number) {
    tens_.back().measures.merge(later.tens_.front().measures);
    later.tens_.pop_front();
  }
  std::move(later.tens_.begin(), later.tens_.end(), std::back_inserter(tens_));
  std::move(later.minutes_.begin(), later.minutes_.end(), std::back_inserter(minutes_));
  minute_ = std::move(later.minute_);
  forget_before(minute_->number);
  rows_.merge(later.rows_);
  if (spectrum_ && later.spectrum_ && spectrum_of_ >= later.spectrum_of_ - 1) {
    later.spectrum_->count(*spectrum_);
    if (spectrum_of_ == later.spectrum_of_) later.next_spectrum_->count(*next_spectrum_);
  }
  spectrum_ = std::move(later.spectrum_);
  next_spectrum_ = std::move(later.next_spectrum_);
  spectrum_of_ = later.spectrum_of_;
  lines_ = std::move(later.lines_);
}

void History::add_to_spectra(const Block& block, std::int64_t minute) {
  const auto number = minute / kOfSpectra;
  if (!next_spectrum_ || number != spectrum_of_) {
    if (next_spectrum_ && next_spectrum_->segments() > 0)
      lines_.add(next_spectrum_->density(), next_spectrum_->step(),
                 mth5::UtcNanos{std::chrono::minutes{(spectrum_of_ + 1) * kOfSpectra}});
    const bool in_a_row = next_spectrum_ && number == spectrum_of_ + 1;
    spectrum_ = in_a_row ? std::move(next_spectrum_) : std::optional{Spectrum{mains_segment(block.rate)}};
    next_spectrum_.emplace(mains_segment(block.rate));
    spectrum_of_ = number;
  }
  spectrum_->add(block);
  next_spectrum_->add(block);
}

Measures History::together(const std::deque<Part>& parts, std::optional<Measures>& known) {
  if (!known) {
    known.emplace();
    for (const auto& part : parts) known->merge(part.measures);
  }
  return *known;
}

Measures History::recent() {
  auto all = together(minutes_, of_minutes_);
  if (minute_) all.merge(minute_->measures);
  return all;
}

Measures History::hour() {
  auto all = together(tens_, of_tens_);
  if (minute_) all.merge(minute_->measures);
  return all;
}

std::optional<double> History::pulses() const {
  if (!minute_ || tens_.size() < kLeastTens) return std::nullopt;
  const auto now = minute_->number / kRecent;
  if (pulses_ && pulses_->of == now) return pulses_->period;
  Spectrum spectrum{kPulseSegment};
  for (const auto& ten : tens_) {
    const auto& envelope = ten.measures.envelope();
    if (ten.number >= now || envelope.cell_length() != std::chrono::seconds{1}) continue;
    std::vector<double> means(60 * kRecent, std::numeric_limits<double>::quiet_NaN());
    const auto first = ten.number * 60 * kRecent;
    for (const auto& [number, cell] : envelope.cells())
      if (number >= first && number - first < 60 * kRecent) means[static_cast<std::size_t>(number - first)] = cell.mean;
    spectrum.add({mth5::UtcNanos{std::chrono::seconds{first}}, 1, means});
  }
  pulses_ =
      Pulses{now, spectrum.segments() >= kLeastPulseSegments ? pulses_of(spectrum.density(), spectrum.step()) : std::nullopt};
  return pulses_->period;
}

double History::times_as_noisy(const Measures& recent) const {
  if (!minute_) return std::numeric_limits<double>::quiet_NaN();
  if (!noise_before_) {
    std::vector<double> before;
    for (const auto& ten : tens_)
      if ((ten.number + 1) * kRecent <= minute_->number - kRecent)
        if (const double noise = noise_of(ten.measures.envelope()); noise > 0) before.push_back(noise);
    noise_before_ = std::numeric_limits<double>::quiet_NaN();
    if (before.size() >= kLeastTens) noise_before_ = upper_median(before);
  }
  return noise_of(recent.envelope()) / *noise_before_;
}

std::optional<double> History::mains() const {
  return spectrum_ ? mains_db(spectrum_->density(), spectrum_->step()) : std::nullopt;
}

}  // namespace analysis
