#pragma once

#include <sys/vfs.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

/// File systems on which recordings, and their archives, may vanish or tear. Thread: any.
namespace archive {

struct Doubt {
  std::uint32_t f_type;  ///< of statfs(2): the magic numbers there and in linux/magic.h
  std::string_view text;
  bool no_disk = false;  ///< in memory, or of layers that may be: what output.mount: required refuses
};
inline constexpr std::string_view kInMemory =
    "is in memory: recordings are lost when the power is cut; name a directory on a disk";
inline constexpr std::string_view kNoOrder =
    "is on FAT, where a power cut may take whole files along, and no file grows beyond 4 GiB; use a disk with ext4";
inline constexpr std::string_view kLayers =
    "is on overlayfs: where its upper layer is in memory (overlayroot) or belongs to a container, recordings are lost with it; "
    "mount a disk there";
inline constexpr std::array<Doubt, 5> kDoubts{
    {{0x01021994, kInMemory, true},  // tmpfs
     {0x858458f6, kInMemory, true},  // ramfs
     {0x794c7630, kLayers, true},
     {0x4d44, kNoOrder},
     {0x2011bab0, "is on exFAT, where a power cut may take whole files along; use a disk with ext4"}}};

/// nullptr of those that keep what is written. Pure.
[[nodiscard]] inline const Doubt* find_doubt(std::uint32_t f_type) {
  for (const auto& doubt : kDoubts)
    if (doubt.f_type == f_type) return &doubt;
  return nullptr;
}

/// f_type of statfs(2); nullopt if it cannot be asked.
[[nodiscard]] inline std::optional<std::uint32_t> file_system_of(const std::filesystem::path& directory) {
  struct statfs found {};
  if (statfs(directory.c_str(), &found) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(found.f_type);
}

}  // namespace archive
