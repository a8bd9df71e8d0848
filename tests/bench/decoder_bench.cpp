// How fast decoders alone are: text on a made day of LEMI-424 lines, beside a line count and a copy of the same bytes; binary
// frames of 5 channels, with a CRC-16, of many samples and of one. MB per second of CPU time, one JSON line each.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "../support/frames.hpp"
#include "../support/lemi424.hpp"

namespace {

constexpr int kPasses = 20;
constexpr int kLines = 86'400;
constexpr std::size_t kFeed = 65'536;  // bytes per feed(), as from a file

std::vector<std::string> recorded_lines(const char* path) {
  std::ifstream in{path, std::ios::binary};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
  return lines;
}

/// Of this thread: what others do on the machine meanwhile does not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void report(const char* name, const std::string& day, const std::function<std::size_t()>& pass) {
  std::vector<double> megabytes_per_second;
  std::size_t result = 0;
  for (int i = 0; i < kPasses; ++i) {
    const double start = cpu_seconds();
    result = pass();
    megabytes_per_second.push_back(static_cast<double>(day.size()) / 1e6 / (cpu_seconds() - start));
  }
  std::sort(megabytes_per_second.begin(), megabytes_per_second.end());
  std::printf(
      "{\"schema\":1,\"bench\":\"%s\",\"bytes\":%zu,\"result\":%zu,\"passes\":%d,\"best_MB_s\":%.0f,\"median_MB_s\":%.0f}\n",
      name, day.size(), result, kPasses, megabytes_per_second.back(), megabytes_per_second[kPasses / 2]);
}

/// As mth5-frame: rows of five i32 with a CRC-16. 33 MB of them.
std::string made_frames(std::size_t rows) {
  std::string bytes;
  for (std::uint32_t n = 0; bytes.size() < 33'000'000; ++n) {
    std::string frame = "\xA5\x5A\x01\x01" + support::number(20 * rows, 2) + support::number(n * rows, 4) + support::number(n, 8);
    for (std::size_t i = 0; i < 5 * rows; ++i) frame += support::number(n * 7919 + i, 4);
    bytes += frame + support::number(support::ccitt_false(frame), 2);
  }
  return bytes;
}

daq::decode::FrameFormat five_channels() {
  using namespace daq::decode;
  FrameFormat format;
  format.n_channels = 5;
  FrameKind kind;
  kind.sync.bytes = {0xA5, 0x5A};
  kind.match = {{{2, Number::U8}, 0xFF, 1}, {{3, Number::U8}, 0xFF, 1}};
  kind.length_field = FrameKind::LengthField{{4, Number::U16}, 20};
  kind.max_length = 4116;
  kind.counter = FrameCounter{{6, Number::U32}, std::uint64_t{1} << 32, true};
  kind.time = FrameTime{.number = {10, Number::U64}, .unit = std::chrono::microseconds{1}};
  kind.checks.push_back({"crc16/ccitt-false", *find_check("crc16/ccitt-false"), 0, -2, -2});
  kind.samples.push_back({{18, Number::I32}, 20, 4, false, {}});
  for (std::size_t c = 0; c < 5; ++c) kind.samples[0].slots.push_back(support::slot(c));
  format.kinds.push_back(kind);
  return format;
}

std::size_t decode_all(daq::decode::Decoder& decoder, const std::string& bytes, daq::decode::Batch& batch) {
  for (std::size_t i = 0; i < bytes.size(); i += kFeed) {
    batch.clear();
    const auto part = std::string_view{bytes}.substr(i, kFeed);
    decoder.feed({.bytes = part}, batch);
  }
  return static_cast<std::size_t>(decoder.counters().frames);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fputs("usage: decoder_bench [RECORDING.TXT]\n", stderr);
    return 2;
  }
  auto lines = argc == 2 ? recorded_lines(argv[1]) : std::vector<std::string>{support::lemi424_line(0) + " \n"};
  if (lines.empty()) {
    std::fprintf(stderr, "decoder_bench: error: %s: no lines in it\n", argv[1]);
    return 1;
  }
  std::string day;
  for (std::size_t i = 0; i < kLines; ++i) day += lines[i % lines.size()];

  std::string copy(day.size(), '\0');
  report("memcpy", day, [&] {
    std::memcpy(copy.data(), day.data(), day.size());
    return copy.size();
  });
  report("memchr_lines", day, [&] {
    std::size_t n = 0;
    for (const char *p = day.data(), *end = p + day.size(); p != end; ++n) {
      const void* found = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
      p = found == nullptr ? end : static_cast<const char*>(found) + 1;
    }
    return n;
  });
  daq::decode::Batch batch;
  report("text_decoder", day, [&] { return decode_all(*daq::decode::make_text_decoder(support::lemi424_format()), day, batch); });
  for (const auto& [name, rows] :
       {std::pair{"frame_decoder_32_rows", std::size_t{32}}, std::pair{"frame_decoder_1_row", std::size_t{1}}}) {
    const auto frames = made_frames(rows);
    report(name, frames, [&] { return decode_all(*daq::decode::make_frame_decoder(five_channels()), frames, batch); });
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
