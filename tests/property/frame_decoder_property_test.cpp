#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "acquisition/decode/frame.hpp"
#include "support/frames.hpp"

/// Streams of frames with all that goes wrong on a line, thousands of them: each by its seed, MTH5_SEED for another first one.
namespace {

using namespace daq::decode;

constexpr int kStreams = 4000;

/// A frame's content, so that a frame that was never sent is seen.
struct Sent {
  std::uint32_t counter;
  std::vector<std::int32_t> values;
  std::string bytes;
  bool whole = false;    ///< all of it arrived; what was cut off may have come by chance
  bool follows = false;  ///< right behind the last whole one
};

struct Stream {
  std::string bytes;
  std::vector<Sent> frames;
};

class Maker {
 public:
  /// @param checked  frames of any length with a CRC-32. Else all of one length without any: then nothing is flipped, and nothing
  ///                 is made that looks like a frame, as the front of one with the end of another does
  Maker(std::uint64_t seed, bool checked) : random_{seed}, checked_{checked} {}

  Stream make() {
    Stream stream;
    for (auto n = below(20); n > 0; --n, ++counter_) {
      Sent sent{.counter = counter_, .values = {}, .bytes = {}};
      for (auto v = 2 * (checked_ ? 1 + below(5) : 2); v > 0; --v) sent.values.push_back(static_cast<std::int32_t>(random_()));
      sent.bytes = frame(sent);
      auto bytes = sent.bytes;
      switch (below(8)) {
        case 0:  // its end is lost
          bytes.resize(below(bytes.size()));
          break;
        case 1:  // its beginning is lost
          if (checked_) bytes.erase(0, 1 + below(bytes.size()));
          break;
        case 2:
          if (!checked_) break;
          flip(bytes[below(bytes.size())]);
          break;
        case 3:
          garbage(stream.bytes);
          break;
        default:
          break;
      }
      stream.bytes += bytes;
      stream.frames.push_back(std::move(sent));
    }
    if (below(3) == 0) garbage(stream.bytes);
    std::size_t end = std::string::npos;
    for (auto& sent : stream.frames) {
      const auto at = stream.bytes.find(sent.bytes);
      sent.whole = at != std::string::npos && (end == std::string::npos || at >= end);  // no byte belongs to two
      sent.follows = sent.whole && at == end;
      if (sent.whole) end = at + sent.bytes.size();
    }
    return stream;
  }

  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_); }

 private:
  void flip(char& c) { c = static_cast<char>(c ^ (1 << below(8))); }

  /// Noise, often with beginnings of frames in it.
  void garbage(std::string& out) {
    for (auto n = 1 + below(60); n > 0; --n)
      out += checked_ && below(6) == 0 ? std::string{"\xA5\x5A"} : std::string(1, static_cast<char>(random_()));
  }

  [[nodiscard]] std::string frame(const Sent& sent) const {
    std::string text = "\xA5\x5A" + support::number(4 * sent.values.size(), 1) + support::number(sent.counter, 4);
    for (const auto value : sent.values) text += support::number(static_cast<std::uint32_t>(value), 4);
    return text + (checked_ ? support::number(support::iso_hdlc(text), 4) : std::string{"\xC0\x0D\x0A\xE7"});
  }

  std::mt19937_64 random_;
  bool checked_;
  std::uint32_t counter_ = 0;
};

FrameFormat format_of(bool checked) {
  FrameKind kind;
  kind.sync.bytes = {0xA5, 0x5A};
  kind.length_field = FrameKind::LengthField{{2, Number::U8}, 11};
  kind.max_length = 11 + 255;
  kind.counter = FrameCounter{{3, Number::U32}, std::uint64_t{1} << 32, false};
  kind.samples.push_back({{7, Number::I32}, 8, 4, false, {support::slot(0), support::slot(1)}});
  if (checked) {
    kind.checks.push_back({"crc32/iso-hdlc", *find_check("crc32/iso-hdlc"), 0, -4, -4});
  } else {
    kind.length_field.reset();
    kind.length = 7 + 16 + 4;
    kind.per_frame = 2;
    kind.trailer.bytes = {0xC0, 0x0D, 0x0A, 0xE7};
  }
  FrameFormat format;
  format.confirm_frames = checked ? 1 : 3;
  format.n_channels = 2;
  format.kinds.push_back(kind);
  return format;
}

Batch decode(const FrameFormat& format, const std::string& bytes, Maker& maker) {
  const auto decoder = make_frame_decoder(format);
  Batch out;
  const auto longest = 1 + maker.below(100);
  for (std::size_t i = 0; i < bytes.size();) {
    const auto part = std::string_view{bytes}.substr(i, 1 + maker.below(longest));
    decoder->feed({.bytes = {part.data(), part.size()}}, out);
    i += part.size();
    const auto& c = decoder->counters();
    EXPECT_EQ(c.bytes_in, i);
    EXPECT_EQ(c.bytes_in, c.bytes_decoded + c.bytes_pending + daq::ledger::sum(c.bytes_skipped));
  }
  decoder->end_of_stream(out);
  EXPECT_EQ(decoder->counters().bytes_pending, 0u);
  EXPECT_EQ(decoder->counters().bytes_in,
            decoder->counters().bytes_decoded + daq::ledger::sum(decoder->counters().bytes_skipped));
  return out;
}

/// Walks along what was decoded: each is the next sent one with these values, or one further on.
/// @returns for each frame sent whether it was decoded; nothing else was
std::vector<bool> decoded(const Stream& stream, const Batch& out) {
  std::vector<bool> found(stream.frames.size(), false);
  std::size_t at = 0;
  for (const auto& frame : out.frames) {
    while (at < stream.frames.size() && stream.frames[at].counter != frame.counter) ++at;
    if (at == stream.frames.size()) {
      ADD_FAILURE() << "a frame that was never sent, or not in this order: " << frame.counter.value();
      return found;
    }
    const auto& sent = stream.frames[at];
    EXPECT_EQ(2 * frame.n_samples, sent.values.size());
    for (std::size_t i = 0; i < sent.values.size(); ++i) EXPECT_EQ(out.samples[frame.first + i], sent.values[i]);
    found[at++] = true;
  }
  return found;
}

std::uint64_t first_seed() {
  const char* const given = std::getenv("MTH5_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

TEST(FrameDecoderProperty, EveryFrameThatArrivesWholeIsDecodedOnceAndNothingElseIs) {
  const auto format = format_of(true);
  std::size_t whole = 0, damaged = 0;
  for (std::uint64_t seed = first_seed(); seed < first_seed() + kStreams; ++seed) {
    SCOPED_TRACE("MTH5_SEED=" + std::to_string(seed));
    Maker maker{seed, true};
    const auto stream = maker.make();
    const auto found = decoded(stream, decode(format, stream.bytes, maker));
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i], stream.frames[i].whole) << "frame " << i;
      ++(found[i] ? whole : damaged);
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(whole, 10'000u);
  EXPECT_GT(damaged, 5'000u);
}

TEST(FrameDecoderProperty, WithoutAChecksumThreeThatFollowOneAnotherAreBelieved) {
  const auto format = format_of(false);
  std::size_t believed = 0, lonely = 0;
  for (std::uint64_t seed = first_seed(); seed < first_seed() + kStreams; ++seed) {
    SCOPED_TRACE("MTH5_SEED=" + std::to_string(seed));
    Maker maker{seed, false};
    const auto stream = maker.make();
    const auto found = decoded(stream, decode(format, stream.bytes, maker));
    std::vector<std::size_t> group;  // whole frames, each right behind the other
    const auto end_of_group = [&] {
      for (const auto n : group) EXPECT_EQ(found[n], group.size() >= 3) << "frame " << n;
      (group.size() >= 3 ? believed : lonely) += group.size();
      group.clear();
    };
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!stream.frames[i].whole) {
        EXPECT_FALSE(found[i]) << "frame " << i;
        continue;
      }
      if (!stream.frames[i].follows) end_of_group();
      group.push_back(i);
    }
    end_of_group();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(believed, 5'000u);
  EXPECT_GT(lonely, 5'000u);
}

}  // namespace
