#include "acquisition/decode/datacast.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "acquisition/decode/description.hpp"
#include "acquisition/decode/number.hpp"
#include "acquisition/decode/skips.hpp"

namespace daq::decode {
namespace {

constexpr std::size_t kLeastPacket = 9;  // {'A',0,1}
constexpr int kTimeDigits = 11;          // before the point: years to 5138

TimeKind time_kind(const DatacastFormat& format) { return format.clock == "gps" ? TimeKind::Gps : TimeKind::Device; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// One packet from its opening brace to its closing one.
class Packet {
 public:
  explicit Packet(std::span<const char> bytes) : p_{bytes.data() + 1}, end_{bytes.data() + bytes.size() - 1} {}

  [[nodiscard]] std::optional<std::string_view> code() {
    blanks();
    if (p_ == end_ || (*p_ != '\'' && *p_ != '"')) return std::nullopt;
    const char* const begin = p_ + 1;
    const char* const close = std::find(begin, end_, *p_);
    if (close == end_) return std::nullopt;
    p_ = close + 1;
    return std::string_view{begin, static_cast<std::size_t>(close - begin)};
  }
  /// Seconds since 1970 with up to nine decimals. @param step  what its last digit is worth
  [[nodiscard]] std::optional<mth5::UtcNanos> time(mth5::Nanos& step) {
    blanks();
    std::int64_t seconds = 0;
    const char* const begin = p_;
    for (; p_ != end_ && is_digit(*p_) && p_ - begin < kTimeDigits; ++p_) seconds = seconds * 10 + (*p_ - '0');
    if (p_ == begin || seconds > kLatest) return std::nullopt;
    auto time = mth5::UtcNanos{std::chrono::seconds{seconds}};
    step = std::chrono::seconds{1};
    if (p_ == end_ || *p_ != '.') return time;
    for (++p_; p_ != end_ && is_digit(*p_) && step.count() > 1; ++p_) time += (step /= 10) * (*p_ - '0');
    return time;
  }
  [[nodiscard]] bool value(double& value) {
    blanks();
    int decimals = 0;
    const char* const behind = parse_number(p_, end_, value, decimals);
    if (behind == nullptr) return false;
    p_ = behind;
    return true;
  }
  [[nodiscard]] bool comma() {
    blanks();
    if (p_ == end_ || *p_ != ',') return false;
    ++p_;
    return true;
  }
  [[nodiscard]] bool at_end() {
    blanks();
    return p_ == end_;
  }

 private:
  static constexpr std::int64_t kLatest = 9'214'646'400;  // 2262, where UtcNanos ends

  void blanks() {
    while (p_ != end_ && is_blank(*p_)) ++p_;
  }

  const char* p_;
  const char* end_;
};

class DatacastDecoder final : public Decoder {
 public:
  explicit DatacastDecoder(const DatacastFormat& format) : format_{format}, kind_{time_kind(format)} {}

  void feed(const Chunk& chunk, Batch& out) override {
    skips_.begins_with(chunk.bytes);
    counters_.bytes_in += chunk.bytes.size();
    arrival_ = chunk.arrival;
    held_.insert(held_.end(), chunk.bytes.begin(), chunk.bytes.end());
    const auto rest = take(held_, out);
    held_.erase(held_.begin(), held_.end() - static_cast<std::ptrdiff_t>(rest));
    counters_.bytes_pending = held_.size();
    if (chunk.datagram) end_of_stream(out);
  }

  void end_of_stream(Batch& /*out*/) override {
    skips_.add_with_example(Skip::CutOff, held_, {});
    held_.clear();
    counters_.bytes_pending = 0;
  }

  [[nodiscard]] const ledger::SourceCounters& counters() const override { return counters_; }
  [[nodiscard]] const std::vector<Refusal>& refusals() const override { return skips_.examples(); }

 private:
  /// @returns how many bytes at the end are the beginning of a packet
  std::size_t take(std::span<const char> bytes, Batch& out) {
    while (!bytes.empty()) {
      const auto brace = [&](std::size_t from) {
        return std::find(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(), '{');
      };
      if (bytes.front() != '{') {
        // Blanks behind a packet are decoded with it, those within garbage are garbage.
        const bool blank = is_blank(bytes.front()) && skips_.last() == Skip::Count;
        const auto end = blank ? std::find_if_not(bytes.begin(), bytes.end(), is_blank) : brace(0);
        const auto n = static_cast<std::size_t>(end - bytes.begin());
        blank ? skips_.decoded(n) : skips_.add_with_example(Skip::Garbage, bytes.first(n), {});
        bytes = bytes.subspan(n);
        continue;
      }
      const auto near = bytes.first(std::min(bytes.size(), kMaxPacket));
      const auto end = std::find_if(near.begin() + 1, near.end(), [](char c) { return c == '{' || c == '}'; });
      if (end == near.end()) {
        if (near.size() < kMaxPacket) return bytes.size();
        skips_.add_with_example(Skip::TooLong, near, {});
        bytes = bytes.subspan(near.size());
        continue;
      }
      const auto n = static_cast<std::size_t>(end - near.begin());
      if (*end == '{')
        skips_.add_with_example(Skip::CutOff, near.first(n), {});
      else
        take_packet(near.first(n + 1), out);
      bytes = bytes.subspan(*end == '{' ? n : n + 1);
    }
    return 0;
  }

  void take_packet(std::span<const char> bytes, Batch& out) {
    const auto samples = out.samples.size();
    const auto refuse = [&](Skip why, std::string place) {
      out.samples.resize(samples);
      skips_.add_with_example(why, bytes, std::move(place));
      skips_.end_event();  // the next one is another
    };
    Packet packet{bytes};
    const auto code = packet.code();
    if (!code || !packet.comma()) return refuse(Skip::Garbage, {});
    const auto channel = std::find(format_.codes.begin(), format_.codes.end(), *code);
    if (channel == format_.codes.end()) return refuse(Skip::BadValue, "channel");
    mth5::Nanos step{};
    const auto time = packet.time(step);
    if (!time || !packet.comma()) return refuse(Skip::BadTime, "time");
    do {
      double value = 0;
      if (!packet.value(value)) return refuse(Skip::BadValue, "sample " + std::to_string(out.samples.size() - samples + 1));
      out.samples.push_back(value);
    } while (packet.comma());
    if (!packet.at_end()) return refuse(Skip::BadValue, "sample " + std::to_string(out.samples.size() - samples));
    out.frames.push_back({.channel = static_cast<std::uint16_t>(channel - format_.codes.begin()),
                          .n_samples = static_cast<std::uint32_t>(out.samples.size() - samples),
                          .first = samples,
                          .time = *time,
                          .kind = kind_,
                          .time_step = step,
                          .after_skip = skips_.take_since_frame(),
                          .arrival = arrival_});
    ++counters_.frames;
    skips_.decoded(bytes.size());
  }

  const DatacastFormat format_;
  const TimeKind kind_;
  std::vector<char> held_;  ///< the beginning of a packet, less than kMaxPacket bytes, between calls
  ledger::SourceCounters counters_;
  Skips skips_{counters_};
  mth5::UtcNanos arrival_{};
};

}  // namespace

Density datacast_density(const DatacastFormat& /*format*/) {
  return {.least_frame_bytes = kLeastPacket,
          .samples_per_frame = kMaxPacket / 2,
          .samples_per_byte = 0.5,  // ",1"
          .held_bytes = kMaxPacket,
          .channels_apart = true};
}

Numbering datacast_numbering(const DatacastFormat& format) { return {.kind = time_kind(format)}; }

FrameSize first_datacast_frame(const DatacastFormat& /*format*/, std::span<const char> bytes) {
  // Packets of all channels up to the next one of the first channel: they are of one time.
  const auto open = std::find(bytes.begin(), bytes.end(), '{');
  const auto comma = std::find(open, bytes.end(), ',');
  const auto close = std::find(comma, bytes.end(), '}');
  if (close == bytes.end()) return {};
  const std::string_view text{bytes.data(), bytes.size()};
  const auto first = text.substr(static_cast<std::size_t>(open - bytes.begin()), static_cast<std::size_t>(comma - open + 1));
  const auto next = text.find(first, static_cast<std::size_t>(close - bytes.begin()));
  const auto commas = std::count(open, close, ',');
  return {next == text.npos ? text.size() : next, static_cast<std::size_t>(std::max<std::ptrdiff_t>(commas - 1, 0))};
}

std::unique_ptr<Decoder> make_datacast_decoder(const DatacastFormat& format) {
  const auto& codes = format.codes;
  if (codes.empty() || codes.size() != format.n_channels ||
      std::set<std::string>(codes.begin(), codes.end()).size() != codes.size())
    throw std::invalid_argument{"datacast format: not one code for each channel"};
  for (const auto& code : codes)
    if (code.empty() || code.size() > kMaxCode)
      throw std::invalid_argument{"datacast format: a code of no or too many characters"};
  return std::make_unique<DatacastDecoder>(format);
}

}  // namespace daq::decode
