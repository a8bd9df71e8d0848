#include "analysis/workers.hpp"

#include <algorithm>
#include <system_error>

#include "analysis/signals_wait.hpp"

namespace analysis {

std::size_t Workers::most() {
  static const std::size_t most = std::clamp(std::thread::hardware_concurrency(), 2U, 8U);
  return most;
}

Workers::~Workers() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Workers::start() {
  const SignalsWait wait;  // which they inherit
  try {
    while (threads_.size() < most()) threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  } catch (const std::system_error&) {  // a limit of processes: as many as there are
  }
}

void Workers::push(std::packaged_task<void()> task) {
  if (threads_.empty()) start();
  if (threads_.empty()) return task();
  {
    const std::lock_guard lock{mutex_};
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void Workers::work(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, stop, [this] { return !tasks_.empty(); });
    if (tasks_.empty()) return;  // stopped, with nothing left to do
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = {};  // what it holds goes before it waits
    lock.lock();
  }
}

}  // namespace analysis
