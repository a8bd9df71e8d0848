#include "acquisition/decode/frame.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "acquisition/decode/description.hpp"
#include "acquisition/decode/frame_reader.hpp"
#include "acquisition/decode/skips.hpp"

namespace daq::decode {

namespace {

/// Which of several checks a kind of frame has: whether each fits is counted until one does nearly always, and no other.
class Vote {
 public:
  explicit Vote(std::size_t n_checks) : fits_(n_checks) {}

  [[nodiscard]] bool open() const { return fits_.size() > 1 && !used_ && frames_ < kLast; }
  [[nodiscard]] bool unchecked() const { return fits_.size() > 1 && !used_; }
  /// @returns the check that is used from now on, when it shows
  std::optional<std::size_t> count(const FrameReader& reader, std::size_t kind, std::span<const char> frame) {
    ++frames_;
    std::size_t good = 0, which = 0;
    for (std::size_t i = 0; i < fits_.size(); ++i) {
      if (reader.fits(kind, i, frame)) ++fits_[i];
      if (static_cast<double>(fits_[i]) < kShare * static_cast<double>(frames_)) continue;
      ++good;
      which = i;
    }
    if (frames_ >= kFirst && good == 1) used_ = which;
    return used_;
  }
  [[nodiscard]] std::string text(const FrameKind& kind) const {
    std::string text = kind.name + ": of " + std::to_string(frames_) + " frames";
    for (std::size_t i = 0; i < fits_.size(); ++i)
      text += (i == 0 ? " check " : ", ") + kind.checks[i].name + " fits " + std::to_string(fits_[i]);
    if (used_) return text + "; " + kind.checks[*used_].name + " is used from there on, these were not checked";
    return text + (frames_ < kFirst ? "; too few to choose one" : "; none is chosen") + ", frames are not checked";
  }

 private:
  static constexpr std::uint64_t kFirst = 100, kLast = 1000;  ///< frames after which a check may be chosen, or none
  static constexpr double kShare = 0.95;                      ///< of frames that it fits

  std::vector<std::uint64_t> fits_;
  std::uint64_t frames_ = 0;
  std::optional<std::size_t> used_;
};

/// The times of a kind of frame whose number has come to its end and begun anew: they go on.
class Turns {
 public:
  explicit Turns(const FrameKind& kind) {
    if (!kind.time || kind.time->bcd || is_float(kind.time->number.type)) return;
    constexpr double kMost = 9e18;  // ns: more is no time
    const auto bits = 8 * size_of(kind.time->number.type);
    const double turn = std::ldexp(static_cast<double>(kind.time->unit.count()), static_cast<int>(bits));
    if (turn < kMost) turn_ = mth5::Nanos{static_cast<std::int64_t>(turn)};
  }

  /// @param time  as its number says
  [[nodiscard]] mth5::UtcNanos unrolled(mth5::UtcNanos time) {
    if (turn_.count() == 0) return time;
    const auto last = std::exchange(last_, time);
    // What is further from its beginning was rather set, or switched on anew.
    const auto most = std::min<mth5::Nanos>(std::chrono::hours{1}, turn_ / 8);
    if (last && time < *last && turn_ - (*last - time) <= most) {
      ++turns_;
    } else if (last && turns_ > 0 && time > *last && turn_ - (time - *last) <= most) {  // of before, on the way for longer
      last_ = last;
      return moved(time, turns_ - 1);
    }
    return moved(time, turns_);
  }

 private:
  [[nodiscard]] mth5::UtcNanos moved(mth5::UtcNanos time, std::int64_t turns) const {
    std::int64_t sum = 0;
    if (__builtin_mul_overflow(turns, turn_.count(), &sum) || __builtin_add_overflow(sum, time.time_since_epoch().count(), &sum))
      return time;
    return mth5::UtcNanos{mth5::Nanos{sum}};
  }

  mth5::Nanos turn_{0};  ///< 0: it never begins anew
  std::optional<mth5::UtcNanos> last_;
  std::int64_t turns_ = 0;
};

class FrameDecoder final : public Decoder {
 public:
  explicit FrameDecoder(const FrameFormat& format)
      : format_{format},
        reader_{format},
        state_(format.n_soh, std::numeric_limits<double>::quiet_NaN()),
        horizon_{longest_look(format)} {
    for (const auto& kind : format_.kinds) {
      votes_.emplace_back(kind.checks.size());
      turns_.emplace_back(kind);
    }
    held_.reserve(2 * horizon_);
  }

  void feed(const Chunk& chunk, Batch& out) override {
    datagram_ = chunk.datagram && !chunk.bytes.empty();
    skips_.begins_with(chunk.bytes);
    counters_.bytes_in += chunk.bytes.size();
    if (!chunk.bytes.empty()) arrivals_.push_back({counters_.bytes_in, chunk.arrival});
    auto bytes = chunk.bytes;
    while (!bytes.empty() && !held_.empty()) {
      // Whatever begins in what is held is decided when as much as the longest look ahead is behind it.
      const auto old = held_.size();
      const auto n = std::min(bytes.size(), horizon_);
      held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      const auto used = held_.size() < needed_ ? 0 : scan(held_, false, out);
      if (used >= old) {
        held_.clear();
        bytes = bytes.subspan(used - old);
      } else {
        held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(used));
        bytes = bytes.subspan(n);
      }
    }
    if (!bytes.empty()) {
      const auto rest = bytes.subspan(scan(bytes, false, out));
      held_.assign(rest.begin(), rest.end());
    }
    counters_.bytes_pending = held_.size();
    while (!arrivals_.empty() && arrivals_.front().end <= decided_) arrivals_.pop_front();
    if (chunk.datagram) end_of_stream(out);
  }

  void end_of_stream(Batch& out) override {
    scan(held_, true, out);
    held_.clear();
    arrivals_.clear();
    needed_ = 0;
    trusted_ = false;
    blamed_ = 0;
    counters_.bytes_pending = 0;
  }

  [[nodiscard]] const ledger::SourceCounters& counters() const override { return counters_; }
  [[nodiscard]] const std::vector<Refusal>& refusals() const override { return skips_.examples(); }
  [[nodiscard]] std::vector<std::string> findings() const override {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < votes_.size(); ++i)
      if (format_.kinds[i].checks.size() > 1) all.push_back(votes_[i].text(format_.kinds[i]));
    return all;
  }
  [[nodiscard]] std::vector<std::string> take_news() override { return std::exchange(news_, {}); }

 private:
  using Is = FrameFront::Is;

  /// Decides about bytes from the front of `in` on. @param at_end  nothing follows: about all of them
  /// @returns how many; needed_ is how many must be there before more can be said of the rest
  std::size_t scan(std::span<const char> in, bool at_end, Batch& out) {
    std::size_t at = 0;
    needed_ = 0;
    while (at < in.size()) {
      auto front = reader_.look(in.subspan(at), at_end);
      if (front.is == Is::Frame && !trusted_ && !datagram_) confirm(in.subspan(at), at_end, front);
      if (front.is == Is::Frame && !datagram_ && reader_.may_be_two(front.kind)) look_into(in.subspan(at), at_end, front);
      if (front.is == Is::Incomplete) {
        needed_ = front.bytes;
        return at;
      }
      if (front.is == Is::Frame) {
        trusted_ = true;
        take(front, in.subspan(at, front.bytes), out);
        at += front.bytes;
        continue;
      }
      trusted_ = false;
      blame(front, in.subspan(at));
      std::size_t n = 1;
      if (!front.matched)
        while (at + n < in.size() && n < blamed_ && reader_.cannot_begin(in[at + n])) ++n;
      skip(in.subspan(at, n));
      at += n;
    }
    return at;
  }

  /// Makes of a frame that too few others follow a bad one, or one of which more must come. A strong check needs no others, and
  /// ends the search behind those without.
  void confirm(std::span<const char> in, bool at_end, FrameFront& front) const {
    std::size_t behind = front.bytes, kind = front.kind;
    for (std::size_t n = 1; n < format_.confirm_frames && !reader_.is_sure(kind); ++n) {
      FrameFront next;
      if (behind < in.size())
        next = reader_.look(in.subspan(behind), at_end);
      else if (!at_end)
        next = {.is = Is::Incomplete};
      if (next.is != Is::Frame) {
        front.is = next.is;
        front.why = Skip::Unconfirmed;
        front.matched = true;
        if (next.is == Is::Incomplete) front.bytes = behind + next.bytes;
        return;
      }
      behind += next.bytes;
      kind = next.kind;
    }
  }

  /// Whether a frame begins at `at`; Incomplete: more must come, so many bytes in all.
  [[nodiscard]] FrameFront beginning(std::span<const char> in, std::size_t at, bool at_end) const {
    if (at >= in.size())
      return {.is = at_end ? Is::Frame : Is::Incomplete, .bytes = at + 1};  // at the end nothing is to be there
    auto front = reader_.look(in.subspan(at), at_end);
    if (front.is == Is::Incomplete && !front.matched) return {.is = Is::Incomplete, .bytes = at + front.bytes};
    front.is = front.is == Is::Bad && !front.matched ? Is::Bad : Is::Frame;
    return front;
  }

  /// A frame behind whose end none begins, while another within it ends where one begins, has lost its own end: a bad one. Where
  /// neither is so, it is believed: what follows is damaged.
  void look_into(std::span<const char> in, bool at_end, FrameFront& front) const {
    const auto wait = [&](std::size_t bytes) {
      front.is = Is::Incomplete;
      front.bytes = bytes;
    };
    const auto behind = beginning(in, front.bytes, at_end);
    if (behind.is == Is::Incomplete) return wait(behind.bytes);
    if (behind.is == Is::Frame) return;
    for (std::size_t at = 1; at < front.bytes; ++at) {
      if (reader_.cannot_begin(in[at])) continue;
      const auto within = reader_.look(in.subspan(at), at_end);
      if (within.is == Is::Bad || at + within.bytes <= front.bytes) continue;
      if (within.is == Is::Incomplete) return wait(at + within.bytes);
      const auto next = beginning(in, at + within.bytes, at_end);
      if (next.is == Is::Incomplete) return wait(next.bytes);
      if (next.is == Is::Bad) continue;
      front = {.kind = front.kind, .bytes = at, .why = Skip::CutOff, .matched = true};
      return;
    }
  }

  /// The bytes of something that began like a frame are skipped for its reason, as far as nothing better begins in them.
  void blame(const FrameFront& front, std::span<const char> rest) {
    if (!front.matched && blamed_ > 0) return;
    const bool same = front.why == why_ && !front.matched && skips_.last() == why_;
    why_ = front.why;
    blamed_ = front.matched ? front.bytes : std::numeric_limits<std::size_t>::max();
    if (!same && !skips_.full())
      skips_.example(why_, 0, front.matched ? "frame " + format_.kinds[front.kind].name : "",
                     rest.first(std::min(rest.size(), kExcerpt)));
  }

  void skip(std::span<const char> bytes) {
    skips_.add(why_, bytes.size());
    blamed_ -= bytes.size();
    decided_ += bytes.size();
  }

  void take(const FrameFront& front, std::span<const char> bytes, Batch& out) {
    const auto& kind = format_.kinds[front.kind];
    auto& vote = votes_[front.kind];
    if (vote.unchecked()) ++counters_.frames_unchecked;
    if (vote.open()) {
      if (const auto check = vote.count(reader_, front.kind, bytes)) reader_.use_check(front.kind, *check);
      if (!vote.open()) news_.push_back(vote.text(kind));
    }
    blamed_ = 0;
    ++counters_.frames;
    skips_.decoded(bytes.size());
    decided_ += bytes.size();
    while (arrivals_.front().end < decided_) arrivals_.pop_front();
    if (!kind.fields.empty()) counters_.fields_unknown += reader_.read_fields(front, bytes, state_.data());
    if (front.n_samples == 0) return;  // what it says of the instrument goes with the next samples
    const std::size_t first = out.samples.size();
    out.samples.resize(first + front.n_samples * format_.n_channels);
    counters_.fields_unknown += reader_.read_samples(front, bytes, out.samples.data() + first);
    const auto arrival = arrivals_.front().time;
    const auto time = kind.time ? turns_[front.kind].unrolled(front.time) : arrival;
    out.frames.push_back({.n_samples = static_cast<std::uint32_t>(front.n_samples),
                          .first = first,
                          .time = time,
                          .kind = reader_.time_kind(front, bytes),
                          .counter = reader_.counter(front, bytes),
                          .time_step = kind.time ? step_of(*kind.time) : mth5::Nanos{},
                          .after_skip = skips_.take_since_frame(),
                          .arrival = arrival});
    if (state_.empty()) return;
    out.states.push_back({time, out.soh.size()});
    out.soh.insert(out.soh.end(), state_.begin(), state_.end());
  }

  const FrameFormat format_;
  FrameReader reader_;
  std::vector<Vote> votes_;   ///< by kind
  std::vector<Turns> turns_;  ///< likewise
  std::vector<std::string> news_;
  std::vector<double> state_;  ///< newest state of health
  const std::size_t horizon_;  ///< bytes after which everything is decided
  std::vector<char> held_;     ///< not decided yet; at most horizon_, and as much again while it is looked at
  std::size_t needed_ = 0;
  struct Arrival {
    std::uint64_t end;  ///< of the bytes that came then, in all that came
    mth5::UtcNanos time;
  };
  std::deque<Arrival> arrivals_;  ///< of what is held: a frame that waits for others has come when its own last byte came
  std::uint64_t decided_ = 0;     ///< bytes
  bool datagram_ = false;
  bool trusted_ = false;  ///< the bytes so far ended with a frame that is believed
  Skip why_ = Skip::Garbage;
  std::size_t blamed_ = 0;  ///< bytes that are skipped for why_
  ledger::SourceCounters counters_;
  Skips skips_{counters_};
};

}  // namespace

std::unique_ptr<Decoder> make_frame_decoder(const FrameFormat& format) { return std::make_unique<FrameDecoder>(format); }

}  // namespace daq::decode
