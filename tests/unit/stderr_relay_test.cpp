#include "cli/stderr_relay.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <limits>
#include <regex>
#include <sstream>
#include <string>

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Pipe {
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
  }
  int ends[2];
};

/// Writes all of it; the write end may be a blocking one.
void put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    ASSERT_GT(n, 0);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string loss_line(std::uint64_t n, const std::string& why) { return "LOST " + std::to_string(n) + ": " + why + "\n"; }

/// What can be had from `fd` until it holds no more for that long, or `enough` says so.
template <class Enough>
std::string take(int fd, Enough enough) {
  std::string all;
  char buffer[65536];
  for (pollfd ready{fd, POLLIN, 0}; !enough(all) && poll(&ready, 1, 10'000) > 0;)
    all.append(buffer, static_cast<std::size_t>(read(fd, buffer, sizeof buffer)));
  return all;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Descriptors of a relay stay open until the process ends: that is its contract.

TEST(LineRelay, CopiesLinesAndWhatHasNoNewline) {
  Pipe in;
  Pipe out;
  cli::LineRelay relay{in.ends[0], out.ends[1], loss_line};
  put(in.ends[1], "one\ntwo\n");
  put(in.ends[1], "thr");
  put(in.ends[1], "ee\nhalf");
  EXPECT_TRUE(relay.flush(30s));
  EXPECT_FALSE(relay.busy());
  const auto text = take(out.ends[0], [](const auto& t) { return t.find("half\n") != t.npos; });
  EXPECT_THAT(lines_of(text), ElementsAre("one", "two", "three", "half"));
  EXPECT_EQ(relay.dropped(), 0u);
}

TEST(LineRelay, NeverHoldsTheWriterUpAndReportsEveryLineThatIsMissingInItsPlace) {
  constexpr int kLines = 20'000;  // twice what the queue takes
  Pipe in;
  Pipe out;  // nobody reads it yet
  cli::LineRelay relay{in.ends[0], out.ends[1], loss_line, 100'000};
  for (int i = 0; i < kLines; ++i) put(in.ends[1], "line " + std::to_string(i) + "\n");  // would wait for ever else
  EXPECT_FALSE(relay.flush(10ms)) << "nobody has read it";
  EXPECT_TRUE(relay.busy());
  EXPECT_GT(relay.dropped(), 0u);
  // Now somebody does. A line that comes while others are missing is one of them: `after` waits for all remarks.
  int next = 0;
  int remarks = 0;
  std::size_t taken = 0;  // bytes, of whole lines
  const auto read_on = [&](const std::string& all) {
    std::string line;
    for (std::istringstream in_text{all.substr(taken)}; std::getline(in_text, line) && !in_text.eof();) {
      taken += line.size() + 1;
      std::smatch lost;
      if (std::regex_match(line, lost, std::regex{"LOST (\\d+): nobody read the log"})) {
        next += std::stoi(lost[1]);
        ++remarks;
      } else {
        EXPECT_EQ(line, "line " + std::to_string(next)) << "a line is missing and nothing says so";
        ++next;
      }
    }
    return next >= kLines;
  };
  (void)take(out.ends[0], read_on);
  EXPECT_EQ(next, kLines) << "lines written and lines reported missing are all lines";
  EXPECT_LT(remarks, 20) << "one remark for many lines";
  put(in.ends[1], "after\n");
  EXPECT_EQ(take(out.ends[0], [](const auto& t) { return t.find('\n') != t.npos; }), "after\n");
  EXPECT_TRUE(relay.flush(30s));
}

TEST(LineRelay, CutsALineThatDoesNotEnd) {
  Pipe in;
  Pipe out;
  cli::LineRelay relay{in.ends[0], out.ends[1], loss_line};
  put(in.ends[1], std::string(3 * cli::LineRelay::kLongestLine, 'x') + "\n");
  std::size_t n = 0;
  const auto text = take(out.ends[0], [&](const auto& t) {
    n = static_cast<std::size_t>(std::count(t.begin(), t.end(), 'x'));
    return n == 3 * cli::LineRelay::kLongestLine;
  });
  EXPECT_EQ(n, 3 * cli::LineRelay::kLongestLine);
  EXPECT_GE(lines_of(text).size(), 3u);
}

TEST(LineRelay, CountsWhatCouldNotBeWritten) {
  Pipe in;
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  cli::LineRelay relay{in.ends[0], full, loss_line};
  put(in.ends[1], "one\ntwo\n");
  EXPECT_TRUE(relay.flush(30s)) << "there is nothing to wait for";
  EXPECT_EQ(relay.dropped(), 2u);
}

/// What a process says last, and dies of: the relay's threads die with it.
TEST(RelayedStderr, KeepsTheLastWordsOfAnAbort) {
  const auto die = [] {
    cli::relay_stderr(loss_line);
    std::fputs("last words\n", stderr);
    std::abort();
  };
  EXPECT_EXIT(die(), testing::KilledBySignal(SIGABRT), "last words");
}

TEST(RelayedStderr, KeepsWhatASanitizerSays) {
  const auto die = [] {
    cli::relay_stderr(loss_line);
    if (dlsym(RTLD_DEFAULT, "__ubsan_handle_add_overflow_abort") == nullptr) {  // built without it: nothing reports, nothing dies
      std::fputs("signed integer overflow\n", stderr);
      cli::leave(1);
    }
    volatile int most = std::numeric_limits<int>::max();
    most = most + 1;
    cli::leave(0);
  };
  EXPECT_EXIT(die(), testing::ExitedWithCode(1), "signed integer overflow");
}

}  // namespace
