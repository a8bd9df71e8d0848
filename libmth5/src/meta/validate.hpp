#pragma once

#include "mth5/metadata.hpp"

namespace mth5::meta {

/// `value` as it is stored for that attribute: converted to its type and normalised.
/// @throws MetadataError "station.location.latitude: …" if the attribute cannot have it
[[nodiscard]] Value normalised(Kind kind, const Attribute& attribute, const Value& value);

/// What stands for an attribute that is required and not set.
[[nodiscard]] Value default_value(const Attribute& attribute);

/// The value as text: numbers in the fewest digits that give them back, list elements with ", " between them.
[[nodiscard]] std::string printed(const Value& value);

}  // namespace mth5::meta
