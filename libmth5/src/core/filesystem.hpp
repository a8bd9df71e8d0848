#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace mth5::core {

/// Name of the network or user-space file system with this `f_type` of statfs(2); nullopt for every other one. Pure.
[[nodiscard]] std::optional<std::string_view> network_name(std::uint32_t f_type);

/// @throws FileError if `network` says that `path` lies on a network file system and it is not allowed for writing
void require_local(const std::filesystem::path& path, std::optional<std::string_view> network, bool allowed);

}  // namespace mth5::core
