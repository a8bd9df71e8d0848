#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "mth5/error.hpp"

/// Space on the disk: held for closing, watched, forecast.
namespace daq::recorder {

using Steady = std::chrono::steady_clock;

/// A hidden file that takes up the space closing needs. A look at the free space alone would not do: another program can take
/// what is left between the look and the write. What a dead process left is taken over; release() gives the space back.
class Reserve {
 public:
  /// @param output  its reserve is how much; where its mount is required and lacks, nothing is taken
  Reserve(std::filesystem::path path, config::Output output)
      : path_{std::move(path)}, output_{std::move(output)}, bytes_{output_.reserve} {}
  ~Reserve() { release(); }
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  /// Takes the space, where it is not held yet. @throws mth5::FileError, with the system's words; nothing is held then
  void hold();
  /// Takes it anew, down to the disk: a look at whether that can be written. @throws as hold()
  void renew();
  void release();
  /// Whether it is held, and its file was removed by somebody else.
  [[nodiscard]] bool is_lost() const;
  [[nodiscard]] bool is_held() const { return held_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void take(bool to_the_disk);

  std::filesystem::path path_;
  config::Output output_;
  std::int64_t bytes_;
  bool held_ = false;
};

/// When the free space will have come down to a limit: by what the last ten minutes took, and by a nominal rate while less than a
/// minute is known, or nothing was taken. Space that returns begins the history anew.
class Forecast {
 public:
  explicit Forecast(double nominal_bytes_per_s) : nominal_{nominal_bytes_per_s} {}

  void add(Steady::time_point now, std::int64_t free_bytes);
  /// From the last add() on; 0 = reached. nullopt: never, as far as is known.
  [[nodiscard]] std::optional<double> seconds_to(std::int64_t limit_bytes) const;

 private:
  static constexpr auto kEvery = std::chrono::seconds{10}, kShortest = std::chrono::seconds{60};
  static constexpr auto kLongest = std::chrono::minutes{10};
  struct Point {
    Steady::time_point time;
    std::int64_t free;
  };
  double nominal_;
  std::deque<Point> points_;  ///< one each kEvery
  Point last_{};
  bool known_ = false;
};

/// Whether the disk, or the quota, had no room.
[[nodiscard]] bool means_full(const mth5::FileError& error);

/// Bytes a second that this configuration records.
[[nodiscard]] double nominal_bytes_per_s(const config::Config& config);

/// The disk of output.directory. Thread: writer.
class Disk {
 public:
  Disk(const config::Config& config, std::shared_ptr<spdlog::logger> log);

  /// Sets the reserve aside, before the first file. @returns false, with nothing set aside, while there is no room to begin one.
  /// @throws mth5::FileError if there never can be, as the disk is too small, or if it cannot be written
  [[nodiscard]] bool claim();
  /// Looks at the free space, and warns when it will soon be gone. Once a second is enough: is_due().
  void look(Steady::time_point now);
  [[nodiscard]] bool is_due(Steady::time_point now) const { return now >= next_; }
  [[nodiscard]] Steady::time_point next_look() const { return next_; }
  [[nodiscard]] bool is_full() const { return used_ || free_ < limit(); }
  /// Whether there is room for another file beside the reserve, which is held then. Twice the limit: else it would be closed
  /// again as soon as it is there.
  [[nodiscard]] bool has_room_again();
  void release_reserve() { reserve_.release(); }
  /// Gives the reserve to a write that found no room; the disk is full from then on, until it has room again. @returns whether
  /// there was one to give
  bool use_reserve();
  /// @throws mth5::FileError if the disk cannot be written
  void renew_reserve() { reserve_.renew(); }
  /// Sets it aside anew where its file was removed. Once a second is enough. @returns whether that was needed, and done
  bool keep_reserve();
  [[nodiscard]] const std::filesystem::path& reserve_file() const { return reserve_.path(); }

  [[nodiscard]] std::int64_t free_bytes() const { return free_; }
  [[nodiscard]] std::int64_t limit() const { return reserve_.bytes(); }
  [[nodiscard]] std::int64_t wanted() const { return 3 * limit(); }  ///< to begin a file, with the reserve
  [[nodiscard]] std::optional<double> full_in_s() const { return forecast_.seconds_to(limit()); }

 private:
  void warn_in_time();
  [[nodiscard]] bool has_room();

  std::filesystem::path directory_;
  std::shared_ptr<spdlog::logger> log_;
  Reserve reserve_;
  Forecast forecast_;
  std::int64_t free_ = 0;
  bool used_ = false;     ///< the reserve, by a write
  bool awaited_ = false;  ///< room, since it was full; no forecast is worth a line until then
  Steady::time_point next_{};
  std::size_t warned_ = 0;  ///< how many of the warnings were given
};

}  // namespace daq::recorder
