#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "analysis/piece.hpp"
#include "analysis/stamps.hpp"
#include "mth5/reader.hpp"

namespace analysis {

/// Pieces that were measured in earlier runs, in a directory that may be deleted at any time: a file for each channel, run and
/// day. A piece is found again only if all is the same that its figures follow from: the program, the uuid of the data file, run,
/// channel, indexes, times, limits, what is filled, and the row of the ledger by which the samples were durable. What the ledger
/// does not have, as in files of other programs, is not kept. What cannot be read or written is measured, and said in one
/// line, however many files it is so of; so do files of it that are damaged, told by say_of_damaged(). Thread: that of the
/// readers.
class Cache {
 public:
  using Say = std::function<void(const std::string& line)>;

  /// Keeps nothing.
  Cache() = default;
  /// @param directory  is made when there is something to keep    @param program  a build of it: others may measure otherwise
  Cache(std::filesystem::path directory, std::string program, Say say)
      : directory_{std::move(directory)}, program_{std::move(program)}, say_{std::move(say)} {}

  struct Counts {
    std::int64_t read = 0;   ///< samples that were read
    std::int64_t known = 0;  ///< and that were not, as their measures were there
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// What was found to be damaged since the last call: the first by name, and how many more.
  void say_of_damaged();
  void count(const Counts& more) { counts_.read += more.read, counts_.known += more.known; }

  /// Which piece of a channel.
  struct Key {
    std::int64_t first, end;     ///< indexes of its samples in the run
    mth5::UtcNanos start, stop;  ///< of the first, and behind the last
    std::string all;             ///< the same, and whatever else the figures follow from
  };

  /// One channel of a run. Pieces are asked for and kept in order of time.
  class Channel {
   public:
    /// @param file  with the cache as long as that lives
    Channel(Cache& cache, const mth5::Reader& file, std::size_t run, std::string component);
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() { write(mth5::UtcNanos::max()); }

    /// Whether there is any use in find() and keep().
    [[nodiscard]] bool is_used() const { return stamps_ != nullptr; }
    [[nodiscard]] std::optional<Piece> find(const Key& key, double rate, bool quality);
    void keep(const Key& key, const Piece& piece);
    /// All that ends before needs to be in memory no longer.
    void write(mth5::UtcNanos before);

   private:
    struct Day {
      std::filesystem::path path;
      std::string identity;
      state::Json pieces = state::Json::object();
      bool is_new = false;  ///< has pieces that are not in the file
    };
    Day& day_of(const Key& key);
    [[nodiscard]] std::string hash_of(const Key& key) const;

    Cache& cache_;
    const Stamps* stamps_ = nullptr;  ///< nullptr: nothing is kept of it
    std::size_t run_;
    std::string identity_;
    std::map<std::int64_t, Day> days_;  ///< by days since 1970
  };

 private:
  void say(const std::string& what) const;
  void say_once(const std::string& what);

  std::filesystem::path directory_;
  std::string program_;
  Say say_;
  bool said_ = false;  ///< that something cannot be read, or written
  std::string first_damaged_;
  std::size_t damaged_ = 0;
  Counts counts_;
  std::map<const mth5::Reader*, Stamps> stamps_;
};

}  // namespace analysis
