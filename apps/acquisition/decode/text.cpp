#include "acquisition/decode/text.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "acquisition/decode/calendar.hpp"
#include "acquisition/decode/description.hpp"
#include "acquisition/decode/number.hpp"
#include "acquisition/decode/skips.hpp"
#include "acquisition/decode/text_fields.hpp"
#include "acquisition/decode/time_form.hpp"

namespace daq::decode {
namespace {

constexpr std::size_t kMaxUnended = 4096;
constexpr double kNothingSaid = std::numeric_limits<double>::quiet_NaN();

/// The beginning of a line whose end has not come yet: never more than its last `limit` bytes.
class PartialLine {
 public:
  explicit PartialLine(std::size_t limit) : limit_{limit}, buffer_(2 * limit) {}

  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] std::span<const char> text() const { return {buffer_.data() + begin_, size()}; }
  void clear() { begin_ = end_ = 0; }
  void drop(std::size_t n) { begin_ += n; }

  /// @returns how many bytes had to go at the front
  std::size_t append(std::span<const char> bytes) {
    const std::size_t dropped = size() + bytes.size() > limit_ ? size() + bytes.size() - limit_ : 0;
    const std::size_t old = std::min(dropped, size());
    begin_ += old;
    bytes = bytes.subspan(dropped - old);
    if (end_ + bytes.size() > buffer_.size()) {  // at most once in `limit` bytes
      std::memmove(buffer_.data(), buffer_.data() + begin_, size());
      end_ -= std::exchange(begin_, 0);
    }
    std::copy(bytes.begin(), bytes.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
    end_ += bytes.size();
    return dropped;
  }

 private:
  std::size_t limit_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class TextDecoder final : public Decoder {
 public:
  explicit TextDecoder(const TextFormat& format)
      : format_{of_kind(format)},
        terminator_{format.terminator == "cr"    ? '\r'
                    : format.terminator == "nul" ? '\0'
                                                 : '\n'},
        said_(format.n_soh, kNothingSaid),
        header_left_{format.header_lines},
        partial_{std::max(format.max_line, format.line_bytes)},
        kind_{time_kind(format)} {}

  void feed(const Chunk& chunk, Batch& out) override {
    auto bytes = chunk.bytes;
    arrival_ = chunk.arrival;
    skips_.begins_with(bytes);
    counters_.bytes_in += bytes.size();
    if (format_.terminator == "none") {
      take_unended(bytes, out);
      if (chunk.datagram) return end_of_stream(out);
      counters_.bytes_pending = partial_.size();
      return;
    }
    while (!bytes.empty()) {
      const void* const found = std::memchr(bytes.data(), terminator_, bytes.size());
      if (found == nullptr) {
        too_long(bytes);
        break;
      }
      const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
      if (partial_.size() != 0) {
        too_long(bytes.first(length));
        take_line(partial_.text(), true, out);
        partial_.clear();
      } else {
        const std::size_t too_many = length > format_.max_line ? length - format_.max_line : 0;
        skip(Skip::TooLong, bytes.first(too_many));
        take_line(bytes.subspan(too_many, length - too_many), true, out);
      }
      bytes = bytes.subspan(length + 1);
      ++lines_;
    }
    if (chunk.datagram) return end_of_stream(out);
    counters_.bytes_pending = partial_.size();
  }

  void end_of_stream(Batch& out) override {
    if (format_.terminator == "none") {
      skip(Skip::CutOff, partial_.text());
    } else if (partial_.size() != 0) {
      take_line(partial_.text(), false, out);
      ++lines_;
    }
    partial_.clear();
    counters_.bytes_pending = 0;
    header_left_ = format_.header_lines;
    newest_.reset();
    std::fill(said_.begin(), said_.end(), kNothingSaid);  // another instrument may be there next
  }

  [[nodiscard]] const ledger::SourceCounters& counters() const override { return counters_; }
  [[nodiscard]] const std::vector<Refusal>& refusals() const override { return skips_.examples(); }

 private:
  /// Lines of so many bytes: one that is none moves the next try on by one byte.
  void take_unended(std::span<const char> bytes, Batch& out) {
    const auto n = format_.line_bytes;
    while (partial_.size() + bytes.size() >= n) {
      std::span<const char> line = bytes.first(std::min(n, bytes.size()));
      if (partial_.size() > 0) {
        unended_.assign(partial_.text().begin(), partial_.text().end());
        unended_.insert(unended_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n - unended_.size()));
        line = unended_;
      }
      std::size_t gone = n;
      if (!take_whole(line, out)) {
        if (skips_.last() != Skip::Garbage) refuse(Skip::Garbage, {}, line);
        skips_.add(Skip::Garbage, 1);
        gone = 1;
      }
      const auto old = std::min(gone, partial_.size());
      partial_.drop(old);
      bytes = bytes.subspan(gone - old);
    }
    static_cast<void>(partial_.append(bytes));
  }

  /// @returns whether all of it is a frame
  bool take_whole(std::span<const char> line, Batch& out) {
    if (line.front() == ' ') return false;  // what a line begins with tells where it begins
    const std::size_t samples = out.samples.size();
    const std::size_t soh = out.soh.size();
    out.samples.resize(samples + format_.n_channels);
    out.soh.resize(soh + format_.n_soh, kNothingSaid);
    const auto found =
        decode_fields(format_, line, true, std::span{out.samples}.subspan(samples), std::span{out.soh}.subspan(soh));
    if (!found.good || lost_its_point(found, line)) {
      out.samples.resize(samples);
      out.soh.resize(soh);
      return false;
    }
    add_frame(found, samples, soh, line.size(), out);
    ++lines_;
    return true;
  }

  /// Puts `bytes` behind the line that has begun; what does not fit goes at its front.
  void too_long(std::span<const char> bytes) {
    if (partial_.size() + bytes.size() > format_.max_line) {  // what goes is in the line, then in `bytes`
      const auto front = partial_.size() != 0 ? partial_.text() : bytes;
      if (skips_.last() != Skip::TooLong) refuse(Skip::TooLong, {}, front);
    }
    skips_.add(Skip::TooLong, partial_.append(bytes));
  }

  /// @param complete  a line end follows, and is counted with the last thing in the line
  void take_line(std::span<const char> line, bool complete, Batch& out) {
    const std::size_t line_end = complete ? 1 : 0;
    if (terminator_ != '\n') {  // the other half of an end of line
      const auto front = std::find_if(line.begin(), line.end(), [](char c) { return c != '\n' && c != '\r'; });
      if (front != line.begin()) skips_.decoded(static_cast<std::size_t>(front - line.begin()));
      line = line.subspan(static_cast<std::size_t>(front - line.begin()));
    }
    const bool header = header_left_ > 0;
    if (header) --header_left_;
    if (const auto at = line_in_comment(line, complete, out); at > 0) {
      refuse(Skip::Garbage, {}, line.first(at));
      skips_.add(Skip::Garbage, at);
      line = line.subspan(at);
    }
    if (is_blank_or_comment(line)) {
      if (!complete || hear(line)) return skips_.decoded(line.size() + line_end);
      if (!skips_.full()) refuse(Skip::BadValue, "answer", line);
      return skips_.add(Skip::BadValue, line.size() + line_end);
    }
    while (!line.empty()) {
      const std::size_t samples = out.samples.size();
      const std::size_t soh = out.soh.size();
      out.samples.resize(samples + format_.n_channels);
      out.soh.resize(soh + format_.n_soh, kNothingSaid);
      TextLine found = take(line, complete, std::span{out.samples}.subspan(samples), std::span{out.soh}.subspan(soh));
      if (found.good && lost_its_point(found, line.first(found.bytes)))
        found = {.bytes = found.bytes, .why = Skip::BadValue, .column = found.column};
      const bool last = found.bytes == line.size();
      const std::size_t bytes = found.bytes + (last ? line_end : 0);
      if (found.good) {
        add_frame(found, samples, soh, bytes, out);
      } else {
        out.samples.resize(samples);
        out.soh.resize(soh);
        if (header || is_awaited(line)) {
          skips_.decoded(bytes);
          line = line.subspan(found.bytes);
          continue;
        }
        const auto why = last && !complete ? Skip::CutOff : found.why;
        if (!skips_.full()) refuse(why, text_place(format_, found.column), line.first(found.bytes));
        skips_.add(why, bytes);
      }
      line = line.subspan(found.bytes);
    }
  }

  /// A channel of a good line has not the decimals that the profile says, though nearly all those before it had. Where more have
  /// others, a sixteenth, the instrument prints so, and they are stored: other firmware, or zeros at the end that are left out.
  /// Where nothing stands behind the number, the line may have been cut: there the profile is believed from the first line on.
  [[nodiscard]] bool lost_its_point(const TextLine& found, std::span<const char> line) {
    constexpr int kMost = 128, kOther = 16;  // lines
    if (found.column >= format_.columns.size()) {
      for (auto* said : {&as_said_, &ends_as_said_}) *said = std::min(kMost, *said + 1);
      return false;
    }
    auto& said = count_fields(format_.delimiter, trimmed(line, true)) == found.column + 1 ? ends_as_said_ : as_said_;
    const bool sure = said >= kSure;
    said = std::max(0, said - kOther);
    return sure;
  }

  /// An answer of the instrument: its value goes with every frame from now on.
  /// @returns false: another number stands behind its own, as in one that lost its end and has run into what was sent next; it is
  /// not believed
  [[nodiscard]] bool hear(std::span<const char> line) {
    const std::string_view text{line.data(), line.size()};
    for (const auto& answer : format_.answers) {
      if (!text.starts_with(answer.begins)) continue;
      const char* p = line.data() + answer.begins.size();
      const char* const end = line.data() + line.size();
      while (p != end && *p == ' ') ++p;
      double value = 0;
      int decimals = 0;
      const char* const behind = parse_number(p, end, value, decimals);
      if (behind != nullptr && std::any_of(behind, end, [](char c) { return c >= '0' && c <= '9'; })) return false;
      said_[answer.soh] = behind == nullptr ? kNothingSaid : value;
    }
    return true;
  }

  /// A good one, whose values stand at the end of the batch.
  void add_frame(const TextLine& found, std::size_t samples, std::size_t soh, std::size_t bytes, Batch& out) {
    const auto time = time_of(found);
    out.frames.push_back({.n_samples = 1,
                          .first = samples,
                          .time = time,
                          .kind = kind_,
                          .time_step = kind_ == TimeKind::Host ? mth5::Nanos{} : step_of(found.decimals),
                          .after_skip = skips_.take_since_frame(),
                          .arrival = arrival_});
    if (kind_ != TimeKind::Host && format_.time != "host-date") newest_ = found.time;
    if (!found.token.empty()) out.tokens.push_back({.frames = out.frames.size(), .text = std::string{found.token}});
    for (const auto& answer : format_.answers)  // what a column says goes before
      if (std::isnan(out.soh[soh + answer.soh])) out.soh[soh + answer.soh] = said_[answer.soh];
    if (format_.n_soh > 0) out.states.push_back({time, soh});
    ++counters_.frames;
    counters_.fields_unknown += found.unknown;
    if (found.short_line) ++counters_.short_lines;
    skips_.decoded(bytes);
  }

  [[nodiscard]] TextLine take(std::span<const char> line, bool complete, std::span<double> channels, std::span<double> soh) {
    if (format_.json) return decode_json_line(format_, line, fields_, channels, soh);
    if (format_.checksum == "nmea") return decode_nmea_line(format_, line, channels, soh);
    return decode_line(plan_, line, complete, channels, soh, newest_);
  }

  /// As Parser sees it: decode_json_line() puts this character between the values.
  [[nodiscard]] static TextFormat of_kind(TextFormat format) {
    if (format.json) format.delimiter = kJsonDelimiter;
    return format;
  }

  [[nodiscard]] static mth5::Nanos step_of(int decimals) {
    mth5::Nanos step = std::chrono::seconds{1};
    for (int i = 0; i < decimals && step.count() > 1; ++i) step /= 10;
    return step;
  }

  [[nodiscard]] mth5::UtcNanos time_of(const TextLine& found) {
    if (kind_ == TimeKind::Host) return arrival_;
    if (format_.time != "host-date") return found.time;
    return day_.at_arrival(found.time.time_since_epoch(), arrival_);
  }

  /// An answer to a command, all of the line behind its blanks.
  [[nodiscard]] bool is_awaited(std::span<const char> line) const {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto trim = [&](std::string_view text) {
      text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
      return text.substr(0, text.find_last_not_of(kBlank) + 1);
    };
    const auto text = trim({line.data(), line.size()});
    return std::any_of(format_.awaited.begin(), format_.awaited.end(), [&](const std::string& awaited) {
      const auto wanted = trim(awaited);
      return !wanted.empty() && text.starts_with(wanted);
    });
  }

  [[nodiscard]] bool is_blank_or_comment(std::span<const char> line) const {
    if (!line.empty() && format_.comment != '\0' && line.front() == format_.comment) return true;
    return std::all_of(line.begin(), line.end(), [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
  }

  /// Where in a comment a whole line begins that is the next one by its time: noise happened to begin with the character of
  /// comments, or an answer lost its end. 0: nowhere; a line right behind that character was put out of use by somebody.
  [[nodiscard]] std::size_t line_in_comment(std::span<const char> line, bool complete, Batch& out) {
    constexpr std::chrono::hours kNext{1};
    if (line.empty() || format_.comment == '\0' || line.front() != format_.comment || !newest_) return 0;
    const auto put_out = static_cast<std::size_t>(
        std::find_if(line.begin(), line.end(), [&](char c) { return c != format_.comment && c != ' ' && c != '\t'; }) -
        line.begin());
    const std::size_t samples = out.samples.size(), soh = out.soh.size();
    out.samples.resize(samples + format_.n_channels);
    out.soh.resize(soh + format_.n_soh, kNothingSaid);
    std::size_t at = 0;
    TextLine found{};
    while (at < line.size() && !found.good) {
      found = take(line.subspan(at), complete, std::span{out.samples}.subspan(samples), std::span{out.soh}.subspan(soh));
      if (found.bytes == 0) break;
      if (!found.good) at += found.bytes;
    }
    out.samples.resize(samples);
    out.soh.resize(soh);
    return found.good && at > put_out && found.time > *newest_ && found.time <= *newest_ + kNext ? at : 0;
  }

  void skip(Skip why, std::span<const char> bytes) {
    if (!bytes.empty()) refuse(why, {}, bytes);
    skips_.add(why, bytes.size());
  }

  /// Keeps what goes next as an example. Called before it is counted.
  void refuse(Skip why, std::string place, std::span<const char> bytes) {
    skips_.example(why, lines_ + 1, std::move(place), bytes);
  }

  const TextFormat format_;
  const Plan plan_{format_};
  const char terminator_;
  std::vector<double> said_;  ///< of state of health, by answers
  std::size_t header_left_;   ///< lines that may be a header
  std::string fields_;        ///< of a line of JSON
  PartialLine partial_;
  std::vector<char> unended_;  ///< a line of line_bytes that came in pieces
  ledger::SourceCounters counters_;
  Skips skips_{counters_};
  std::uint64_t lines_ = 0;  ///< that have ended
  mth5::UtcNanos arrival_{};
  const TimeKind kind_;
  DayUnroller day_{format_.first_date ? std::optional{mth5::UtcNanos{*format_.first_date} + std::chrono::hours{12}}
                                      : std::nullopt};
  std::optional<mth5::UtcNanos> newest_;  ///< frame of those with a date, since the stream began
  static constexpr int kSure = 64;        ///< lines
  int as_said_ = 0;                       ///< lines lately with the decimals of the profile, less those with others
  int ends_as_said_ = kSure;              ///< the same, less those that end with others
};

}  // namespace

TimeKind time_kind(const TextFormat& format) {
  if (format.time == "host") return TimeKind::Host;
  return format.clock == "device" ? TimeKind::Device : TimeKind::Gps;
}

Density text_density(const TextFormat& format) {
  using Use = TextColumn::Use;
  const auto needed = [](const TextColumn& c) { return c.use == Use::Channel || (c.use >= Use::Year && c.use <= Use::Form); };
  const auto last = std::find_if(format.columns.rbegin(), format.columns.rend(), needed);
  auto fields = static_cast<std::size_t>(format.columns.rend() - last);
  const auto first =
      std::find_if(format.columns.begin(), format.columns.end(), [](const TextColumn& c) { return c.use == Use::Channel; });
  const auto first_number = static_cast<std::size_t>(first - format.columns.begin());
  if (!format.lengths.empty() && !format.strict) fields = std::min(fields, first_number + 2);  // a channel, a further field
  if (format.json) fields = 1;                                                                 // `{x:1}`: what lacks is not known
  // Each has a delimiter or the line end, and between blanks at least one character; one of a width may have neither.
  const bool fixed = std::any_of(format.columns.begin(), format.columns.end(), [](const TextColumn& c) { return c.width > 0; });
  const auto least = std::max<std::size_t>({1, format.line_bytes,
                                            format.delimiter == ' ' && !fixed ? 2 * fields
                                            : fixed                           ? (fields + 1) / 2
                                                                              : fields});
  return {.least_frame_bytes = least,
          .samples_per_byte = 1 / static_cast<double>(least),
          .held_bytes = std::max(format.max_line, format.line_bytes)};
}

FrameSize first_text_frame(const TextFormat& format, std::span<const char> bytes) {
  if (format.terminator == "none") return bytes.size() < format.line_bytes ? FrameSize{} : FrameSize{format.line_bytes, 1};
  const char terminator = format.terminator == "cr" ? '\r' : format.terminator == "nul" ? '\0' : '\n';
  const auto* const end = static_cast<const char*>(std::memchr(bytes.data(), terminator, bytes.size()));
  return end == nullptr ? FrameSize{} : FrameSize{static_cast<std::size_t>(end - bytes.data()) + 1, 1};
}

std::string text_place(const TextFormat& format, std::size_t column) {
  if (column >= format.columns.size()) return "";
  const auto& name = format.columns[column].name;
  return "field " + std::to_string(column + 1) + (name.empty() ? "" : " (" + name + ")");
}

std::unique_ptr<Decoder> make_text_decoder(const TextFormat& format) {
  if (format.columns.empty() || format.max_line == 0) throw std::invalid_argument{"text format: no columns, or no line length"};
  if (std::count(format.lengths.begin(), format.lengths.end(), 0) > 0) throw std::invalid_argument{"text format: a length of 0"};
  if (format.terminator == "none" && (format.line_bytes == 0 || format.line_bytes > kMaxUnended))
    throw std::invalid_argument{"text format: no terminator, and no bytes of a line"};
  for (const auto& column : format.columns) {
    unsigned parts = 0;
    if (column.use == TextColumn::Use::Text && (column.name.empty() || column.width != column.name.size()))
      throw std::invalid_argument{"text format: a text without its width"};
    if (column.use == TextColumn::Use::Form && !check_time_form(column.name, parts).empty())
      throw std::invalid_argument{"text format: a time of the form '" + column.name + "'"};
    const bool channel = column.use == TextColumn::Use::Channel;
    const bool soh = column.use == TextColumn::Use::Soh || column.use == TextColumn::Use::Hemisphere;
    if ((channel && column.index >= format.n_channels) || (soh && column.index >= format.n_soh))
      throw std::invalid_argument{"text format: a column's index is beyond the number of channels or soh values"};
  }
  for (const auto& answer : format.answers)
    if (answer.begins.empty() || answer.soh >= format.n_soh) throw std::invalid_argument{"text format: an answer about nothing"};
  return std::make_unique<TextDecoder>(format);
}

}  // namespace daq::decode
