// How fast the text decoder alone is: a made day of LEMI-424 lines, beside a line count and a copy of the same bytes.
// MB per second of CPU time, one JSON line each.
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
  report("text_decoder", day, [&] {
    const auto decoder = daq::decode::make_text_decoder(support::lemi424_format());
    for (std::size_t i = 0; i < day.size(); i += kFeed) {
      batch.clear();
      const auto part = std::string_view{day}.substr(i, kFeed);
      decoder->feed({.bytes = part}, batch);
    }
    return static_cast<std::size_t>(decoder->counters().frames);
  });
  return std::fflush(stdout) == 0 ? 0 : 1;
}
