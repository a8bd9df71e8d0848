#include "acquisition/recorder/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "acquisition/recorder/output.hpp"
#include "acquisition/recorder/tables.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/duration.hpp"
#include "mth5/error.hpp"
#include "mth5/io.hpp"
#include "mth5/time.hpp"

namespace daq::recorder {

namespace {

constexpr auto kLookEvery = std::chrono::seconds{1};
constexpr std::array<double, 3> kWarnAt{3 * 86400.0, 86400.0, 3600.0};  // seconds before the disk is full

std::filesystem::path reserve_path(const config::Config& config) {
  return config.output.directory / hidden_name(config.survey.text("id"), config.sources.front().station.text("id"), "reserve");
}

}  // namespace

void Reserve::hold() {
  if (!held_) take(false);
}

void Reserve::renew() {
  held_ = false;
  take(true);
}

void Reserve::take(bool to_the_disk) {
  if (const auto why = why_no_mount(output_); !why.empty()) throw mth5::FileError{why};
  const mth5::Descriptor fd{open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
  int error = fd ? 0 : errno;
  if (fd) {
    if (mth5::io().ftruncate(fd.get(), bytes_) != 0) error = errno;  // what was left may be larger
    if (error == 0) error = mth5::io().posix_fallocate(fd.get(), bytes_);
    if (error == 0 && to_the_disk && mth5::io().fsync(fd.get()) != 0) error = errno;
    if (error != 0) unlink(path_.c_str());
  }
  if (error != 0)
    throw mth5::FileError{
        path_.string() + ": " + config::format_bytes(bytes_) +
            " cannot be set aside for closing files (output.reserve): " + std::generic_category().message(error),
        std::error_code{error, std::generic_category()}};
  held_ = true;
}

void Reserve::release() {
  if (held_) unlink(path_.c_str());
  held_ = false;
}

void Forecast::add(Steady::time_point now, std::int64_t free_bytes) {
  if (known_ && free_bytes > last_.free) points_.clear();
  last_ = {now, free_bytes};
  known_ = true;
  if (points_.empty() || now >= points_.back().time + kEvery) points_.push_back(last_);
  while (points_.front().time + kLongest < now) points_.pop_front();
}

std::optional<double> Forecast::seconds_to(std::int64_t limit_bytes) const {
  if (!known_) return std::nullopt;
  if (last_.free <= limit_bytes) return 0.0;
  double rate = nominal_;
  const auto& first = points_.front();
  if (last_.time >= first.time + kShortest && first.free > last_.free)
    rate = static_cast<double>(first.free - last_.free) / std::chrono::duration<double>(last_.time - first.time).count();
  if (rate <= 0) return std::nullopt;
  return static_cast<double>(last_.free - limit_bytes) / rate;
}

bool means_full(const mth5::FileError& error) {
  return error.code() == std::errc::no_space_on_device || error.code() == std::error_code{EDQUOT, std::generic_category()};
}

double nominal_bytes_per_s(const config::Config& config) {
  double sum = 0;
  const double commits_per_s = 1 / std::chrono::duration<double>(config.sync_interval).count();
  const auto bytes = [](const mth5::TableSpec& table) { return static_cast<double>(table.row_bytes()); };
  for (std::size_t i = 0; i < config.sources.size(); ++i) {
    const auto& source = config.sources[i];
    sum += commits_per_s * bytes(source_ledger_table());
    if (!source.instrument.soh.empty()) sum += bytes(soh_table(source)) / 10;  // it is stored on change
    for (const auto& stream : stream::declared(config, static_cast<std::uint16_t>(i))) {
      double per_sample = 0;
      for (const auto& channel : stream.channels) per_sample += static_cast<double>(mth5::sample_bytes(channel.type));
      sum += stream.sample_rate * per_sample + commits_per_s * bytes(stream_ledger_table());
    }
  }
  return sum + commits_per_s * bytes(commit_table());
}

bool Reserve::is_lost() const {
  struct stat status {};
  return held_ && lstat(path_.c_str(), &status) != 0 && errno == ENOENT;
}

bool Disk::keep_reserve() {
  if (!reserve_.is_lost()) return false;
  reserve_.release();
  try {
    reserve_.hold();
    return true;
  } catch (const mth5::FileError& e) {  // tried again in a second
    log_->debug("{}", e.what());
    return false;
  }
}

Disk::Disk(const config::Config& config, std::shared_ptr<spdlog::logger> log)
    : directory_{config.output.directory},
      log_{std::move(log)},
      reserve_{reserve_path(config), config.output},
      forecast_{nominal_bytes_per_s(config)} {}

bool Disk::claim() {
  if (const auto total = total_bytes(directory_); total && *total < wanted())
    throw mth5::FileError{"output.directory " + directory_.string() + ": the disk has " + config::format_bytes(*total) +
                          " in all, and " + config::format_bytes(wanted()) +
                          " are wanted to begin a file (three times output.reserve); name another directory, or lower "
                          "output.reserve"};
  try {
    reserve_.hold();
  } catch (const mth5::FileError& e) {
    if (!means_full(e)) throw;
    look(mth5::steady_now());
    return false;
  }
  return has_room();
}

bool Disk::has_room() {
  look(mth5::steady_now());
  if (free_ >= 2 * limit()) {
    used_ = false;
    return true;
  }
  awaited_ = true;
  reserve_.release();  // so that what is free shows as it is
  look(mth5::steady_now());
  return false;
}

bool Disk::use_reserve() {
  if (!reserve_.is_held()) return false;
  reserve_.release();
  used_ = awaited_ = true;
  next_ = {};  // looked at at once
  return true;
}

void Disk::look(Steady::time_point now) {
  next_ = now + kLookEvery;
  const auto free = mth5::io().free_bytes(directory_);
  if (!free) return;  // the folder has gone: the disk need not be full for that
  free_ = *free;
  awaited_ = (awaited_ || is_full()) && free_ < (reserve_.is_held() ? 2 : 3) * limit();
  forecast_.add(now, free_);
  warn_in_time();
}

void Disk::warn_in_time() {
  if (awaited_) return;  // the recorder says that it is full; what is free comes and goes with the reserve then
  const auto left = full_in_s();
  while (warned_ > 0 && (!left || *left > 2 * kWarnAt.at(warned_ - 1))) --warned_;
  if (!left || warned_ == kWarnAt.size() || *left >= kWarnAt.at(warned_)) return;
  while (warned_ < kWarnAt.size() && *left < kWarnAt.at(warned_)) ++warned_;
  const auto when = mth5::host_now() + std::chrono::seconds{static_cast<std::int64_t>(*left)};
  log_->warn("disk full in {} at={} free={} limit={} directory={}", mth5::rough_duration(*left),
             mth5::to_iso(std::chrono::floor<std::chrono::seconds>(when)), free_, limit(), directory_.string());
}

bool Disk::has_room_again() {
  try {
    reserve_.hold();
  } catch (const mth5::FileError&) {  // not yet: the state says so already
    look(mth5::steady_now());
    return false;
  }
  return has_room();
}

}  // namespace daq::recorder
