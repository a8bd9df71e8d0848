#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mth5::core {

/// Name of the network or user-space file system with this `f_type` of statfs(2); nullopt for every other one. Pure.
[[nodiscard]] std::optional<std::string_view> network_name(std::uint32_t f_type);

}  // namespace mth5::core
