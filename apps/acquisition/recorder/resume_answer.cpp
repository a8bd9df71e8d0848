#include "acquisition/recorder/resume_answer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "mth5/clock.hpp"

namespace daq::recorder {

namespace {

constexpr std::size_t kLongestText = 4096;
constexpr std::uint32_t kMagic = 0x52354832;

class Writer {
 public:
  template <class T>
  void value(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    text = text.substr(0, kLongestText);
    value(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  template <class List, class Each>
  void list(const List& list, Each each) {
    value(static_cast<std::uint32_t>(list.size()));
    for (const auto& entry : list) each(entry);
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// After the first thing that does not fit everything is zero and empty, and good() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_{bytes} {}
  template <class T>
  [[nodiscard]] T value() {
    T value{};
    if (!good_ || left_.size() < sizeof value) {
      good_ = false;
      return value;
    }
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }
  [[nodiscard]] double number() {
    const auto number = value<double>();
    good_ = good_ && std::isfinite(number);
    return number;
  }
  [[nodiscard]] std::string text() {
    const auto size = value<std::uint32_t>();
    good_ = good_ && size <= kLongestText && size <= left_.size();
    if (!good_) return {};
    std::string text{left_.substr(0, size)};
    left_.remove_prefix(size);
    return text;
  }
  /// For the log: one line, whatever was in the file.
  [[nodiscard]] std::string line() {
    std::string line = text();
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return line;
  }
  /// Of a run, a station: our own names have nothing but these.
  [[nodiscard]] std::string name() { return printable(0x21); }
  /// Of several things, with blanks between.
  [[nodiscard]] std::string token() { return printable(0x20); }
  /// @param least  bytes that an entry takes at least
  template <class Each>
  void list(std::size_t least, Each each) {
    const auto size = value<std::uint32_t>();
    good_ = good_ && size <= left_.size() / least;
    for (std::uint32_t i = 0; good_ && i < size; ++i) each();
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return good_ && left_.empty(); }

 private:
  [[nodiscard]] std::string printable(unsigned char from) {
    std::string all = text();
    good_ = good_ && std::all_of(all.begin(), all.end(), [from](unsigned char c) { return c >= from && c < 0x7f; });
    return all;
  }

  std::string_view left_;
  bool good_ = true;
};

}  // namespace

std::string encode(const ResumeAnswer& answer) {
  Writer out;
  out.value(kMagic);
  out.list(answer.recovery, [&](const auto& line) { out.text(line); });
  out.value(static_cast<std::uint8_t>(answer.other_station ? 1 : 0));
  out.text(answer.why_not);
  const Resume& resume = answer.resume;
  out.value(static_cast<std::uint8_t>(resume.broke_off ? 1 : 0));
  out.value(resume.session);
  out.value(resume.sequence);
  out.value(static_cast<std::uint64_t>(resume.n_streams));
  out.list(resume.runs, [&](const Resume::Run& run) {
    out.text(run.station);
    out.text(run.id);
    out.value(run.sample_rate);
    out.list(run.components, [&](const auto& name) { out.text(name); });
    out.value(run.next.time_since_epoch().count());
    out.value(run.n_samples);
    out.list(run.tail, [&](double sample) { out.value(sample); });
    out.value(run.tail_start.time_since_epoch().count());
    out.value(run.tail_end.time_since_epoch().count());
    out.value(run.rate_behind);
    out.value(run.unsure_s);
  });
  out.list(resume.streams, [&](const Resume::Stream& stream) {
    out.text(stream.name);
    out.value(stream.in_file);
    out.value(stream.counted);
    out.text(stream.token);
    out.value(stream.token_time.time_since_epoch().count());
  });
  return out.take();
}

std::optional<ResumeAnswer> decode(std::string_view bytes) {
  constexpr std::size_t kText = sizeof(std::uint32_t);
  Reader in{bytes};
  ResumeAnswer answer;
  if (in.value<std::uint32_t>() != kMagic) return std::nullopt;
  in.list(kText, [&] { answer.recovery.push_back(in.line()); });
  answer.other_station = in.value<std::uint8_t>() != 0;
  answer.why_not = in.line();
  Resume& resume = answer.resume;
  resume.broke_off = in.value<std::uint8_t>() != 0;
  resume.session = in.value<std::int64_t>();
  resume.sequence = in.value<std::int64_t>();
  resume.n_streams = in.value<std::uint64_t>();
  in.list(4 * kText + 6 * sizeof(double), [&] {
    Resume::Run run;
    run.station = in.name();
    run.id = in.name();
    run.sample_rate = in.number();
    in.list(kText, [&] { run.components.push_back(in.name()); });
    run.next = mth5::UtcNanos{mth5::Nanos{in.value<std::int64_t>()}};
    run.n_samples = in.value<std::int64_t>();
    in.list(sizeof(double), [&] { run.tail.push_back(in.value<double>()); });
    run.tail_start = mth5::UtcNanos{mth5::Nanos{in.value<std::int64_t>()}};
    run.tail_end = mth5::UtcNanos{mth5::Nanos{in.value<std::int64_t>()}};
    run.rate_behind = in.number();
    run.unsure_s = in.number();
    constexpr double kMostOff = 1.001e-6 * mth5::RunClock::kMostPpm;  // rounded on the way
    constexpr double kMostUnsure = 1;                                 // s
    if (in.good() && (run.n_samples < 0 || run.sample_rate < 0 || run.unsure_s < 0 || run.unsure_s > kMostUnsure ||
                      std::abs(run.rate_behind - run.sample_rate) > kMostOff * run.sample_rate ||
                      (!run.tail.empty() && (run.components.empty() || run.tail.size() % run.components.size() != 0))))
      run.n_samples = -1;
    resume.runs.push_back(std::move(run));
  });
  in.list(2 * kText + 3 * sizeof(double), [&] {
    Resume::Stream stream;
    stream.name = in.name();
    stream.in_file = in.value<std::int64_t>();
    stream.counted = in.value<std::int64_t>();
    stream.token = in.token();
    stream.token_time = mth5::UtcNanos{mth5::Nanos{in.value<std::int64_t>()}};
    resume.streams.push_back(std::move(stream));
  });
  const bool bad_run = std::any_of(resume.runs.begin(), resume.runs.end(), [](const auto& run) { return run.n_samples < 0; });
  if (!in.at_end() || bad_run || resume.session < 0 || resume.sequence < 0 || resume.n_streams != resume.streams.size())
    return std::nullopt;
  return answer;
}

}  // namespace daq::recorder
