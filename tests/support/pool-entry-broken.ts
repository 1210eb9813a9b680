/** A module for threads of a pool that does not load. */
throw new Error('This module never loads.');
