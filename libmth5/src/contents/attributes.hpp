#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "h5/handle.hpp"
#include "mth5/metadata.hpp"

/// Attributes as other programs write them: texts of variable and fixed length, any integer and float, bool enums, one-element
/// arrays. Source: mth5-format 2.1. Thread: as Reader.
namespace mth5::contents {

/// nullopt if there is no such attribute, it holds nothing (`none`, an empty text), or its type cannot be metadata (references,
/// compounds, arrays of numbers, more than 16 MiB). An array of bools is a list of "true" and "false". @throws FileError if HDF5
/// cannot read it
[[nodiscard]] std::optional<Value> attribute(hid_t object, const std::string& name);
/// The same, as text; "" for what is absent or no text.
[[nodiscard]] std::string text_attribute(hid_t object, const std::string& name);

/// All attributes that MTH5 knows for this kind; unknown names and values it does not allow are left out. Python writes them all.
/// A channel's `filter.name` and `filter.applied` of older files become its `filters`.
/// @param problem  if given: why the first of those that matter (numbers, required ones but `type`) was left out
[[nodiscard]] Metadata metadata(hid_t object, Kind kind, std::string* problem = nullptr);
/// Only those of these names that the kind has.
[[nodiscard]] Metadata metadata_of(hid_t object, Kind kind, std::span<const std::string_view> names);

}  // namespace mth5::contents
