// SPDX-License-Identifier: Apache-2.0

package sqlstore

// OpenAt opens a database as a version of the tables left it.
var OpenAt = openAt
