#include "sandbox/sandbox.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <vector>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/io.hpp"
#include "support/forked.hpp"
#include "support/host_clock.hpp"
#include "support/pipe.hpp"
#include "support/support.hpp"

namespace {

using sandbox::End;
using sandbox::Outcome;
using sandbox::Reports;
using sandbox::run;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

[[noreturn]] void spin() {
  static std::atomic<int> turns{0};
  for (;;) ++turns;
}

TEST(Sandbox, HandsOverWhatTheBodyReturns) {
  const std::string large(3'000'000, 'x');
  const auto outcome = run([&](Reports& reports) {
    reports.visit("/here");
    return large;
  });
  EXPECT_EQ(outcome.end, End::Done);
  EXPECT_EQ(outcome.answer, large);
  EXPECT_EQ(outcome.object, "/here");
}

TEST(Sandbox, TellsTheKindsOfErrorsApart) {
  const auto thrown = [](auto error) { return run([=](Reports&) -> std::string { throw error; }); };
  EXPECT_EQ(thrown(mth5::FormatError{"bad"}).end, End::Damaged);
  EXPECT_EQ(thrown(mth5::BusyError{"busy", 1}).end, End::Busy);
  EXPECT_EQ(thrown(mth5::FileError{"gone"}).end, End::Failed);
  EXPECT_EQ(thrown(mth5::FileError{"gone"}).message, "gone");
  EXPECT_EQ(thrown(std::bad_alloc{}).end, End::OutOfMemory);
  EXPECT_EQ(thrown(1).end, End::Failed);
}

/// Of a child that a signal ends while it looks at `object`.
Outcome ended_by(int signal, const std::string& object) {
  return run([&](Reports& reports) -> std::string {
    reports.visit(object);
    raise(signal);
    return "";
  });
}

TEST(Sandbox, OutlivesACrashAndNamesThePlace) {
  const auto outcome = ended_by(SIGSEGV, "/Survey/heap");
  EXPECT_EQ(outcome.end, End::Crashed);
  EXPECT_EQ(outcome.object, "/Survey/heap");
  EXPECT_THAT(outcome.reason, HasSubstr("Segmentation fault"));
}

TEST(Sandbox, EndsWhatDoesNotComeToAnEnd) {
  const auto busy = run([](Reports&) -> std::string { spin(); }, {.cpu_per_object = milliseconds{50}});
  EXPECT_EQ(busy.end, End::TooLong);
  EXPECT_THAT(busy.what_is_wrong(), AllOf(HasSubstr("damaged, at "), HasSubstr("50 ms")));
  const auto idle = run(
      [](Reports&) -> std::string {
        for (;;) pause();
      },
      {.wall = milliseconds{50}});
  EXPECT_EQ(idle.end, End::TooLong);
  // One that goes from object to object for ever, and one that has closed its end of the pipe.
  const auto restless = run(
      [](Reports& reports) -> std::string {
        for (;;) reports.visit("next");
      },
      {.wall = milliseconds{100}});
  EXPECT_EQ(restless.end, End::TooLong);
  EXPECT_EQ(restless.what_is_wrong(),
            "could not be looked at: it takes more than 100 ms, and it had come to next; the disk or the machine is slow");
  const auto silent = run(
      [](Reports&) -> std::string {
        close(3);
        for (;;) pause();
      },
      {.wall = milliseconds{100}});
  EXPECT_EQ(silent.end, End::TooLong);
}

TEST(Sandbox, HasTheTimeItTakesWhileItComesFurther) {
  support::ClockByHand clock;
  constexpr int kSteps = 30;
  const support::TempDir dir;
  support::write_text(dir / "file", "x");
  const support::Shared<std::atomic<int>> allowed, made;
  int told = 0;
  const auto outcome = run(
      [&](Reports& reports) -> std::string {
        const mth5::Descriptor file{open((dir / "file").c_str(), O_RDONLY | O_CLOEXEC)};
        for (int i = 1; i <= kSteps; ++i) {
          while (*allowed < i) poll(nullptr, 0, 1);
          char byte = 0;
          if (i % 3 == 0) reports.visit("next");
          if (i % 3 == 1) reports.progress(i, kSteps);
          if (i % 3 == 2 && mth5::io().pread(file.get(), &byte, 1, 0) != 1) return "not read";
          *made = i;
        }
        return "done";
      },
      {.wall = milliseconds{3'600'000}, .stall = milliseconds{10'000}},
      {.cancelled =
           [&] {
             if (*made == kSteps) return false;
             clock.pass(std::chrono::seconds{9});
             ++*allowed;
             return !support::eventually([&] { return made->load() == allowed->load(); });
           },
       .step = [&] { ++told; }});
  EXPECT_EQ(outcome.end, End::Done) << outcome.what_is_wrong();
  EXPECT_EQ(outcome.answer, "done");
  EXPECT_EQ(told, kSteps);
}

TEST(Sandbox, IsGivenUpWhenItComesNoFurther) {
  support::ClockByHand clock;
  const support::Shared<std::atomic<bool>> there;
  int told = 0;
  const auto outcome = run(
      [&](Reports& reports) -> std::string {
        reports.visit("/here");
        *there = true;
        for (;;) pause();
      },
      {.wall = milliseconds{3'600'000}, .stall = milliseconds{10'000}},
      {.cancelled =
           [&] {
             clock.pass(std::chrono::seconds{6});
             return !support::eventually([&] { return there->load(); });
           },
       .step = [&] { ++told; }});
  EXPECT_EQ(outcome.end, End::TooLong);
  EXPECT_EQ(outcome.what_is_wrong(),
            "could not be looked at: it came no further for 10000 ms, and it had come to /here; the disk or the machine is slow");
  EXPECT_EQ(told, 1);
}

TEST(Sandbox, IsCancelledWhileTheChildIsAtWork) {
  int asked = 0;
  const auto outcome = run(
      [](Reports&) -> std::string {
        for (;;) pause();
      },
      {}, {.cancelled = [&] { return ++asked > 3; }});
  EXPECT_EQ(outcome.end, End::Cancelled);
}

TEST(Sandbox, SignalsForTheParentAreNotTheChilds) {
  const auto outcome = run([](Reports&) {
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE}) raise(number);
    return std::string{"went on"};
  });
  EXPECT_EQ(outcome.answer, "went on");
}

TEST(Sandbox, LimitsTheFilesThatTheChildWrites) {
  const support::TempDir dir;
  const auto path = dir / "file";
  const auto grow = [&](std::uint64_t limit) {
    return run(
        [&](Reports&) {
          const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
          const std::string bytes(100'000, 'x');
          std::size_t written = 0;
          for (ssize_t n = 1; n > 0; written += static_cast<std::size_t>(n))
            n = std::max<ssize_t>(0, write(fd, bytes.data(), bytes.size()));
          return std::to_string(written) + (errno == EFBIG ? " EFBIG" : " other");
        },
        {.file_bytes = limit});
  };
  EXPECT_EQ(grow(250'000).answer, "250000 EFBIG");
  EXPECT_EQ(grow(0).answer, "0 EFBIG") << "one that only reads";
}

TEST(Sandbox, BlamesNoFileForAChildThatWasKilled) {
  const auto outcome = ended_by(SIGKILL, "its journal");
  EXPECT_EQ(outcome.end, End::Killed);
  EXPECT_EQ(outcome.what_is_wrong(), "the process that looked at it was killed, as a system short of memory does");
}

TEST(Sandbox, LimitsMemoryAndTheAnswer) {
  const auto outcome = run([](Reports&) { return std::string(2 << 20, 'x'); }, {.answer_bytes = 1 << 20});
  EXPECT_EQ(outcome.end, End::Crashed);
  EXPECT_TRUE(outcome.answer.empty());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const auto greedy = run(
      [](Reports&) {
        const std::vector<char> much(std::size_t{512} << 20, 'x');
        return std::string{much.begin(), much.begin() + 1};
      },
      {.memory_bytes = std::size_t{256} << 20});
  EXPECT_EQ(greedy.end, End::OutOfMemory);
  EXPECT_THAT(greedy.reason, HasSubstr("256 MiB"));
#endif
}

TEST(Sandbox, TheChildHoldsNothingOfItsParents) {
  const support::TempDir dir;
  const int low = open((dir / "held").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int fd = fcntl(low, F_DUPFD_CLOEXEC, 100);  // no number that the child may have given again
  close(low);
  const auto outcome = run([&](Reports&) { return std::string{fcntl(fd, F_GETFD) == -1 ? "closed" : "open"}; });
  EXPECT_EQ(outcome.answer, "closed");
  close(fd);
}

TEST(Sandbox, TheChildDiesWithItsParent) {
  const support::Pipe told;
  support::Child parent{[&] {
    (void)run(
        [&](Reports& reports) -> std::string {
          reports.progress(getpid(), 0);
          for (;;) pause();
        },
        {}, {.progress = [&](std::int64_t pid, std::int64_t) { told.put(pid); }});
    return 0;
  }};
  std::int64_t child = 0;
  while (child == 0) ASSERT_TRUE(told.get(child));
  parent.kill_now();
  EXPECT_TRUE(support::eventually([&] {
    return kill(static_cast<pid_t>(child), 0) != 0 || [&] {
      std::ifstream in{"/proc/" + std::to_string(child) + "/stat"};
      std::string pid, name, state;
      in >> pid >> name >> state;
      return state == "Z";
    }();
  }));
}

}  // namespace
