#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace analysis {

/// A few threads for what computes long, one for each processor, eight at the most. Tasks begin in the order in which they are
/// given, so that one may wait for any that was given before it. There is no limit to how many wait: who gives them has one.
/// The threads begin with the first task, and take no signals: whoever handles one has it. Where there can be no thread, give()
/// does the task itself. Thread: give() by one thread.
class Workers {
 public:
  Workers() = default;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Waits for all tasks that were given.
  ~Workers();

  /// @returns what the task returns, or throws; a future that is given up does not wait for it
  template <class Task>
  auto give(Task task) -> std::future<decltype(task())> {
    std::packaged_task<decltype(task())()> packaged{std::move(task)};
    auto result = packaged.get_future();
    push(std::packaged_task<void()>{std::move(packaged)});
    return result;
  }
  /// How many tasks can run at once.
  [[nodiscard]] static std::size_t most();

 private:
  void start();
  void push(std::packaged_task<void()> task);
  void work(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::packaged_task<void()>> tasks_;  ///< guarded by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace analysis
