#include "analysis/part_reader.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "mth5/error.hpp"

namespace analysis {

namespace {

constexpr std::int64_t kBlock = (1 << 20) / sizeof(double);  ///< samples read, and measured, at once
constexpr std::int64_t kMostPiece = 1 << 20;                 ///< samples of a piece: an hour at 256 Hz
constexpr std::int64_t kLeastApart = 1 << 14;                ///< samples that are worth another thread
constexpr double kLeastHourly = 16;                          ///< Hz: below, the measures of an hour are no less than its samples

/// Of a piece, from one multiple of it since 1970 to the next.
mth5::Nanos length_of(double rate) {
  mth5::Nanos length{rate < kLeastHourly ? std::chrono::hours{24} : std::chrono::hours{1}};
  while (std::chrono::duration<double>(length).count() * rate > static_cast<double>(kMostPiece) && length > mth5::Nanos{2})
    length /= 2;
  return length;
}

mth5::UtcNanos floor_to(mth5::UtcNanos time, mth5::Nanos length) {
  const auto since = time.time_since_epoch();
  const auto over = since % length;
  return mth5::UtcNanos{since - over - (over < mth5::Nanos{0} ? length : mth5::Nanos{0})};
}

/// In blocks, as of which there is room near the processor.
void measure(Piece& piece, const PartReader::What& what, mth5::UtcNanos start, std::span<const double> samples) {
  for (std::size_t done = 0; done < samples.size(); done += kBlock)
    piece.add({mth5::sample_time(start, what.rate, static_cast<std::int64_t>(done)), what.rate,
               samples.subspan(done, std::min<std::size_t>(kBlock, samples.size() - done)), what.limits});
}

template <class Value>
std::future<Value> at_once(Value value) {
  std::promise<Value> promise;
  promise.set_value(std::move(value));
  return promise.get_future();
}

}  // namespace

PartReader::PartReader(What what, Tools tools, Piece& whole, Spectrogram* spectrogram)
    : what_{std::move(what)},
      tools_{std::move(tools)},
      whole_{whole},
      spectrogram_{spectrogram},
      kept_{tools_.cache, what_.file, what_.part.run, what_.file.channels()[what_.channel].component} {}

void PartReader::read(std::int64_t first, std::int64_t end) {
  std::exception_ptr failed;
  while (first < end && !failed) {
    const auto stop = piece_end(first, end);
    try {
      add(first, stop);
    } catch (const mth5::Error&) {
      failed = std::current_exception();
    }
    first = stop;
  }
  while (!waiting_.empty()) take_oldest();
  if (failed) std::rethrow_exception(failed);
}

void PartReader::read_statistics(std::int64_t first, std::int64_t end, Statistics& statistics) {
  auto samples = tools_.buffers.take();
  for (; first < end; first += kBlock) {
    samples.resize(static_cast<std::size_t>(std::min(kBlock, end - first)));
    read_block(first, samples);
    statistics.add(samples);
  }
  tools_.buffers.give_back(std::move(samples));
}

/// Samples from `first` on, as many as there is room for. What is filled, and what has the fill value, is NaN.
void PartReader::read_block(std::int64_t first, std::span<double> block) const {
  for (std::size_t done = 0; done < block.size();) {
    const std::size_t n = what_.file.read(what_.channel, first + static_cast<std::int64_t>(done), block.subspan(done));
    if (n == 0)
      throw mth5::FileError{what_.file.path().string() + ": " + what_.file.channels()[what_.channel].component +
                            ": samples are gone"};
    done += n;
  }
  leave_out(block, first, what_.filled);
  leave_out(block, what_.fill);
}

std::int64_t PartReader::index_at(mth5::UtcNanos time) const {
  return mth5::indexes_within({time, {}}, what_.part.clock, what_.file.channels()[what_.channel].n_samples).first;
}

std::int64_t PartReader::piece_end(std::int64_t first, std::int64_t end) const {
  const auto most = std::min(end, first + 2 * kMostPiece);
  if (what_.rate <= 0) return most;
  const auto length = length_of(what_.rate);
  return std::clamp(index_at(floor_to(what_.part.clock.utc_of(first), length) + length), first + 1, most);
}

/// Of all of an hour (or what it is), as far as the run has it: other reports will ask for it, and it grows no more but at the
/// end of the run, where another number of samples is another piece.
bool PartReader::is_whole(std::int64_t first, std::int64_t end) const {
  if (what_.rate <= 0) return false;
  const auto length = length_of(what_.rate);
  const auto begin = floor_to(what_.part.clock.utc_of(first), length);
  const bool from_begin = first == what_.part.taken || index_at(begin) == first;
  const bool live_end = what_.file.state() == mth5::FileState::Live && end == what_.file.channels()[what_.channel].n_samples;
  return from_begin && index_at(begin + length) == end && !live_end;
}

Cache::Key PartReader::key_of(std::int64_t first, std::int64_t end) const {
  Cache::Key key{first, end, what_.part.clock.utc_of(first), what_.part.clock.utc_of(end), {}};
  auto all = state::Json::array({first, end, state::time(key.start), state::time(key.stop), what_.rate, what_.limits.known()});
  if (what_.limits.known()) all.insert(all.end(), {what_.limits.low, what_.limits.high});
  all.push_back(what_.fill ? state::Json(*what_.fill) : state::Json{});
  for (const auto& [from, to] : what_.filled)
    if (from < end && to > first) all.insert(all.end(), {std::max(from, first), std::min(to, end)});
  key.all = all.dump();
  return key;
}

void PartReader::add(std::int64_t first, std::int64_t end) {
  const bool cached = kept_.is_used() && is_whole(first, end);
  Waiting waiting;
  waiting.key = key_of(first, end);
  auto known = cached ? kept_.find(waiting.key, what_.rate, what_.quality) : std::nullopt;
  waiting.keep = cached && !known;
  if (known && spectrogram_ == nullptr) {
    tools_.cache.count({0, end - first});
    waiting.piece = at_once(std::move(*known));
    push(std::move(waiting), end - first);
    return;
  }
  waiting.samples = tools_.buffers.take();
  auto& samples = waiting.samples;
  const auto start = waiting.key.start;
  std::exception_ptr failed;
  Piece now{what_.rate, what_.quality};
  const bool apart = what_.rate > 0;
  samples.resize(static_cast<std::size_t>(apart ? end - first : std::min(kBlock, end - first)));
  std::size_t n = 0;  // of those that are kept for other threads
  for (auto at = first; at < end && !failed; at += kBlock) {
    const auto block = std::span{samples}.subspan(n, static_cast<std::size_t>(std::min(kBlock, end - at)));
    try {
      read_block(at, block);
      if (apart)
        n += block.size();
      else
        now.add({start, what_.rate, block, what_.limits});
      tools_.cache.count({static_cast<std::int64_t>(block.size()), 0});
    } catch (const mth5::Error&) {  // all before it counts
      failed = std::current_exception();
      waiting.keep = false;
    }
  }
  const auto all = std::span<const double>{samples}.first(n);
  const bool thread = apart && end - first >= kLeastApart;
  if (known && !failed) {
    waiting.piece = at_once(std::move(*known));
  } else if (!thread) {
    if (apart) measure(now, what_, start, all);
    waiting.piece = at_once(std::move(now));
  } else {
    waiting.piece = tools_.workers.give([this, start, all, piece = std::move(now)]() mutable {
      measure(piece, what_, start, all);
      return std::move(piece);
    });
  }
  if (spectrogram_ != nullptr) {
    const Block block{start, what_.rate, all, what_.limits};
    const auto draw = [this, block, before = drawn_] {
      if (before.valid()) before.wait();
      spectrogram_->add(block);
    };
    if (thread)
      drawn_ = tools_.workers.give(draw).share();
    else
      draw();
    waiting.drawn = drawn_;
  }
  push(std::move(waiting), end - first);
  if (failed) std::rethrow_exception(failed);
}

void PartReader::push(Waiting waiting, std::int64_t samples) {
  waiting_.push_back(std::move(waiting));
  while (waiting_.size() > Workers::most()) take_oldest();
  if (tools_.passed) tools_.passed(samples);
}

void PartReader::take_oldest() {
  auto oldest = std::move(waiting_.front());
  waiting_.pop_front();
  if (oldest.drawn.valid()) oldest.drawn.wait();
  const auto piece = oldest.piece.get();
  if (oldest.keep) kept_.keep(oldest.key, piece);
  kept_.write(oldest.key.start);
  whole_.merge(piece);
  tools_.buffers.give_back(std::move(oldest.samples));
}

}  // namespace analysis
