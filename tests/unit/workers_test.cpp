#include <atomic>
#include <csignal>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/workers.hpp"

namespace {

using analysis::Workers;

TEST(Workers, RunAsManyTasksAtOnceAsTheySay) {
  Workers workers;
  std::latch all{static_cast<std::ptrdiff_t>(Workers::most())};
  std::vector<std::future<void>> done;
  for (std::size_t i = 0; i < Workers::most(); ++i) done.push_back(workers.give([&] { all.arrive_and_wait(); }));
  for (auto& one : done) one.get();  // none would end without the others
}

TEST(Workers, BeginTasksInOrderSoThatOneMayWaitForAnother) {
  Workers workers;
  std::shared_future<void> before;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i)
    before = workers
                 .give([&order, i, before] {
                   if (before.valid()) before.wait();
                   order.push_back(i);
                 })
                 .share();
  before.wait();
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Workers, HandBackWhatATaskReturnsOrThrows) {
  Workers workers;
  auto value = workers.give([one = std::make_unique<int>(7)] { return *one; });
  auto error = workers.give([]() -> int { throw std::runtime_error{"no"}; });
  EXPECT_EQ(value.get(), 7);
  EXPECT_THROW(error.get(), std::runtime_error);
}

TEST(Workers, AreWaitedForWithAllTheirTasks) {
  std::atomic<int> n = 0;
  {
    Workers workers;
    for (int i = 0; i < 200; ++i) workers.give([&] { ++n; });
  }
  EXPECT_EQ(n, 200);
}

TEST(Workers, TakeNoSignals) {
  Workers workers;
  auto blocked = workers.give([] {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, SIGINT) == 1 && sigismember(&now, SIGALRM) == 1;
  });
  sigset_t ours;
  pthread_sigmask(SIG_SETMASK, nullptr, &ours);
  EXPECT_EQ(sigismember(&ours, SIGINT), 0);
  EXPECT_TRUE(blocked.get());
}

}  // namespace
