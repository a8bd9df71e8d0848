// How fast decoders alone are: text on a made day of LEMI-424 lines, beside a line count and a copy of the same bytes; binary
// frames of 5 channels, with a CRC-16, of many samples and of one; records of Steim2, beside libmseed alone. MB per second of CPU
// time, one JSON line each.
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

#include "acquisition/decode/miniseed.hpp"

#include "../support/frames.hpp"
#include "../support/lemi424.hpp"

#include <libmseed.h>
#undef bit  // a macro of its own

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

constexpr std::size_t kRecord = 512;  // bytes

/// Records of Steim2 behind one another, as libmseed packs them: a random walk at 100 Hz, of steps up to 2^bits. 33 MB of them.
std::string made_records(int bits) {
  std::vector<std::int32_t> samples(1'000'000);
  std::uint32_t random = 1;
  std::int32_t at = 0;
  for (auto& sample : samples) {
    random = random * 1664525 + 1013904223;
    sample = at += static_cast<std::int32_t>(random >> 8) % (1 << bits) - (1 << bits) / 2;
  }
  MSRecord* record = msr_init(nullptr);
  std::strcpy(record->network, "XX");
  std::strcpy(record->station, "MT01");
  std::strcpy(record->channel, "HFX");
  record->dataquality = 'D';
  record->starttime = ms_timestr2hptime(const_cast<char*>("2026-05-01T00:00:00"));
  record->samprate = 100;
  record->reclen = kRecord;
  record->encoding = DE_STEIM2;
  record->byteorder = 1;
  std::string bytes;
  while (bytes.size() < 33'000'000) {
    record->datasamples = samples.data();
    record->numsamples = static_cast<std::int64_t>(samples.size());
    record->sampletype = 'i';
    std::int64_t packed = 0;
    const auto keep = [](char* made, int length, void* to) {
      static_cast<std::string*>(to)->append(made, static_cast<std::size_t>(length));
    };
    if (msr_pack(record, keep, &bytes, &packed, 0, 0) <= 0) std::abort();
    record->starttime += static_cast<hptime_t>(static_cast<double>(packed) * HPTMODULUS / record->samprate);
  }
  record->datasamples = nullptr;
  msr_free(&record);
  return bytes;
}

/// What libmseed takes alone, with a sum of the samples so that they are looked at.
std::size_t unpack_all(std::string& bytes) {
  MSRecord* record = nullptr;
  std::size_t n = 0;
  for (std::size_t i = 0; i + kRecord <= bytes.size(); i += kRecord) {
    if (msr_unpack(bytes.data() + i, kRecord, &record, 1, 0) != MS_NOERROR) std::abort();
    n += static_cast<std::size_t>(record->numsamples);
  }
  msr_free(&record);
  return n;
}

std::size_t decode_records(const std::string& bytes, daq::decode::Batch& batch) {
  const auto decoder = daq::decode::make_miniseed_decoder({.codes = {"?FX"}, .sample_rate = 100, .n_channels = 1});
  std::size_t n = 0;
  for (std::size_t i = 0; i < bytes.size(); i += kFeed) {
    batch.clear();
    decoder->feed({.bytes = std::string_view{bytes}.substr(i, kFeed)}, batch);
    n += batch.samples.size();
  }
  return n;
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
  for (const int bits : {6, 14}) {
    auto records = made_records(bits);
    report(("libmseed_steim2_" + std::to_string(bits) + "_bits").c_str(), records, [&] { return unpack_all(records); });
    report(("miniseed_decoder_" + std::to_string(bits) + "_bits").c_str(), records,
           [&] { return decode_records(records, batch); });
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
