#include "acquisition/log/events.hpp"

#include <iterator>
#include <string_view>
#include <utility>

#include "mth5/printable.hpp"

namespace daq::log {

void Events::sink_it_(const spdlog::details::log_msg& message) {
  const auto level = spdlog::level::to_string_view(message.level);
  const auto since_1970 = std::chrono::duration_cast<mth5::Nanos>(message.time.time_since_epoch());
  waiting_.push_back({mth5::UtcNanos{since_1970}, std::string{level.data(), level.size()},
                      mth5::printable({message.payload.data(), message.payload.size()})});
  limit();
  some_ = true;
}

std::vector<Event> Events::take() {
  const std::lock_guard lock{mutex_};
  std::vector<Event> taken;
  if (dropped_ > 0 && !waiting_.empty())
    taken.push_back(
        {waiting_.front().time, "warning",
         std::to_string(std::exchange(dropped_, 0)) + " lines before this one were in no file in time, and are left out here"});
  taken.insert(taken.end(), std::move_iterator{waiting_.begin()}, std::move_iterator{waiting_.end()});
  waiting_.clear();
  some_ = false;
  return taken;
}

void Events::give_back(std::vector<Event> events) {
  if (events.empty()) return;
  const std::lock_guard lock{mutex_};
  waiting_.insert(waiting_.begin(), std::move_iterator{events.begin()}, std::move_iterator{events.end()});
  limit();
  some_ = true;
}

void Events::limit() {
  for (; waiting_.size() > kMost; ++dropped_) waiting_.pop_front();
}

}  // namespace daq::log
