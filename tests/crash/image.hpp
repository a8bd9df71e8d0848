#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "recording.hpp"

namespace crash {

/// What of the calls since the last sync that returned is there after a power cut.
enum class Model {
  Prefix,     ///< P: the first n of them
  Subset,     ///< S: each with p = 1/2
  Pages,      ///< G: each 4 KiB page in one of its versions since the sync, independent of the others
  Sectors,    ///< T: the same per 512 bytes
  Unapplied,  ///< A: all but the writes below the synced end of the file and outside the user block
  Journal,    ///< J: all writes into the user block; of the others each call with p = 1/2, or each sector in one of its versions
  Killed      ///< K: no power cut but the death of the process: all of them, the last write perhaps torn at a page's edge
};
inline constexpr std::array kModels{Model::Prefix,    Model::Subset,  Model::Pages, Model::Sectors,
                                    Model::Unapplied, Model::Journal, Model::Killed};
/// 'P', 'S', 'G', 'T', 'A', 'J', 'K'.
[[nodiscard]] char letter(Model model);
[[nodiscard]] std::optional<Model> model_from(char letter);

/// Goes through a recording and makes images of the disk at cuts. Everything that a sync which returned before the cut covers is
/// there, whatever the model; calls made after that sync began are not covered. Names are covered by a sync of their folder.
class Images {
 public:
  /// @param start  what was on the disk before the recording
  Images(const Recording& recording, Disk start) : recording_{recording}, stable_{std::move(start)} {}

  /// The disk after a power cut just before event `cut`. Cuts must not go back from one call to the next.
  [[nodiscard]] Disk at(std::size_t cut, Model model, Random& random);

 private:
  void advance(std::size_t cut);
  void settle(std::uint64_t inode);
  [[nodiscard]] Bytes content(const Bytes& stable, const std::vector<const Event*>& calls, Model model, Random& random) const;

  const Recording& recording_;
  Disk stable_;
  std::size_t next_ = 0;                                       ///< events before it are in stable_ or in one of these:
  std::map<std::uint64_t, std::vector<const Event*>> calls_;   ///< content, by inode
  std::vector<const Event*> name_calls_;                       ///< of the one folder
  std::map<std::uint64_t, std::vector<std::size_t>> in_sync_;  ///< how many of the calls each sync under way will cover
};

}  // namespace crash
