#include "service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace mth5d {

ServiceManager::ServiceManager(std::shared_ptr<spdlog::logger> log) : log_{std::move(log)} {
  const char* const named = std::getenv("NOTIFY_SOCKET");
  if (named == nullptr || *named == '\0') return;
  const std::string name = named;
  if ((name[0] != '/' && name[0] != '@') || name.size() < 2 || name.size() >= sizeof sockaddr_un::sun_path) {
    log_->warn("NOTIFY_SOCKET={}: neither a path nor @NAME of 2 to {} bytes; the service manager is told nothing", name,
               sizeof sockaddr_un::sun_path - 1);
    return;
  }
  socket_ = mth5::Descriptor{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket_) {
    log_->warn("no socket for NOTIFY_SOCKET={}: {}; the service manager is told nothing", name,
               std::generic_category().message(errno));
    return;
  }
  address_ = name;
  if (address_[0] == '@') address_[0] = '\0';
}

void ServiceManager::tell(const std::string& message) {
  if (!address_.empty() && send_waiting()) (void)send(message);
}

void ServiceManager::tell_surely(std::string message) {
  if (address_.empty()) return;
  waiting_.push_back(std::move(message));
  (void)send_waiting();
}

bool ServiceManager::send_waiting() {
  while (!waiting_.empty()) {
    if (!send(waiting_.front())) return false;
    waiting_.erase(waiting_.begin());
  }
  return true;
}

bool ServiceManager::send(const std::string& message) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  address_.copy(to.sun_path, sizeof to.sun_path);
  // A name without a path has no end but its length; a path has its 0 counted or not.
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const bool went = sendto(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                           reinterpret_cast<const sockaddr*>(&to), length) >= 0;
  const int error = errno;
  if (went == !deaf_) return went;
  deaf_ = !went;
  if (deaf_)
    log_->warn("the service manager takes no message at NOTIFY_SOCKET={}: {}; recording goes on, retry=1s",
               std::getenv("NOTIFY_SOCKET"), error == EAGAIN ? "its queue is full" : std::generic_category().message(error));
  else
    log_->info("the service manager takes messages again");
  return went;
}

}  // namespace mth5d
