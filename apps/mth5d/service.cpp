#include "service.hpp"

#include <pthread.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace mth5d {

LongStart::LongStart(const std::string& doing) {
  sd_notifyf(0, "STATUS=%s", doing.c_str());
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::jthread{[](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "mth5-start");
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock{mutex};
    do {
      sd_notify(0, "EXTEND_TIMEOUT_USEC=60000000");
    } while (!wake.wait_for(lock, stop, std::chrono::seconds{10}, [&] { return stop.stop_requested(); }));
  }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace mth5d
